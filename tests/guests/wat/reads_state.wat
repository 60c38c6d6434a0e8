;; Asks for the value of a key of its plugin's state, and gives back as an error what it is told if that is refused.
(module
  (import "toolbay:plugin/kv@0.1.0" "get" (func $get (param i32 i32 i32)))
  (memory (export "memory") 4)
  (data (i32.const 1024) "key")
  (global $free (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $free)
    (global.set $free (i32.add (global.get $free) (i32.const 4096))))
  (func (export "toolbay:plugin/tools@0.1.0#call") (param i32 i32 i32 i32) (result i32)
    ;; What it is told stands at 512: whether it is an error, then which one, then its text.
    (call $get (i32.const 1024) (i32.const 3) (i32.const 512))
    (if (i32.load8_u (i32.const 512))
      (then
        ;; A result at 0: `err` with the code `permission-denied` and that text. All else is zero, which means none.
        (i32.store8 (i32.const 0) (i32.const 1))
        (i32.store8 (i32.const 8) (i32.const 2))
        (i32.store (i32.const 12) (i32.load (i32.const 520)))
        (i32.store (i32.const 16) (i32.load (i32.const 524)))))
    (i32.const 0)))
