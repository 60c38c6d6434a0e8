;; Answers, and never comes back when told that its answer has been read.
(module
  (memory (export "memory") 4)
  (data (i32.const 1024) "answered")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
  (func (export "cabi_post_toolbay:plugin/tools@0.1.0#call") (param i32) (loop $again (br $again)))
  (func (export "toolbay:plugin/tools@0.1.0#call") (param i32 i32 i32 i32) (result i32)
    (i32.store (i32.const 8) (i32.const 256))
    (i32.store (i32.const 12) (i32.const 1))
    (i32.store (i32.const 264) (i32.const 1024))
    (i32.store (i32.const 268) (i32.const 8))
    (i32.const 0)))
