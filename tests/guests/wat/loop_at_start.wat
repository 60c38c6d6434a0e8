;; Is in a loop before its first call can begin.
(module
  (memory (export "memory") 4)
  (func $start (loop $again (br $again)))
  (start $start)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
  (func (export "toolbay:plugin/tools@0.1.0#call") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
