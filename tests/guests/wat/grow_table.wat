;; Grows a table as long as it is let, then goes on in a loop.
(module
  (memory (export "memory") 4)
  (table $table 1 funcref)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
  (func (export "toolbay:plugin/tools@0.1.0#call") (param i32 i32 i32 i32) (result i32)
    (loop $again
      (drop (table.grow $table (ref.null func) (i32.const 100000)))
      (br $again))
    (unreachable)))
