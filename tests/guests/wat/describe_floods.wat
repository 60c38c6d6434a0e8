;; Describes itself in 64 MiB of nothing.
(module
  (memory (export "memory") 1040)
  (data (i32.const 1024) "{\"plugin\": oh no}")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
  (func (export "toolbay:plugin/describe@0.1.0#manifest") (result i32)
    (i32.store (i32.const 0) (i32.const 65536)) (i32.store (i32.const 4) (i32.const 0x4000000)) (i32.const 0))
  (func (export "toolbay:plugin/tools@0.1.0#call") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
