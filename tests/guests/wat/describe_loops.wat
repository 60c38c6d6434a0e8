;; Never comes back when asked to describe itself.
(module
  (memory (export "memory") 4)
  (data (i32.const 1024) "{\"plugin\": oh no}")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
  (func (export "toolbay:plugin/describe@0.1.0#manifest") (result i32)
    (loop $again (br $again)) (unreachable))
  (func (export "toolbay:plugin/tools@0.1.0#call") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
