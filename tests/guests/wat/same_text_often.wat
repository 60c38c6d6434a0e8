;; Returns 400 blocks that all point at the same 16 MiB of text: little for the guest, 6 GiB for a host that copies each.
(module
  (memory (export "memory") 260)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "toolbay:plugin/tools@0.1.0#call") (param i32 i32 i32 i32) (result i32)
    (local $block i32)
    (i32.store (i32.const 8) (i32.const 256))
    (i32.store (i32.const 12) (i32.const 400))
    (local.set $block (i32.const 256))
    (loop $next
      (i32.store offset=8 (local.get $block) (i32.const 131072))
      (i32.store offset=12 (local.get $block) (i32.const 0x1000000))
      ;; Each takes 160 bytes.
      (local.set $block (i32.add (local.get $block) (i32.const 160)))
      (br_if $next (i32.lt_u (local.get $block) (i32.const 64256))))
    (i32.const 0)))
