//! What a guest may take of memory and tables, and a record of what it was refused, since a Rust guest out of memory ends in
//! nothing more telling than `unreachable`.

use wasmtime::ResourceLimiter;

use super::engine::MAX_TABLE_ELEMENTS;

/// Counts over all memories and all tables of one store; wasmtime's own `StoreLimits` counts each memory by itself.
#[derive(Debug)]
pub(super) struct GuestLimiter {
    memory_limit: usize,
    memory_used: usize,
    table_used: usize,
    refused: Option<Refused>,
}

/// What a guest asked for and did not get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Memory,
    Table,
}

impl GuestLimiter {
    pub(super) fn new(memory_limit: usize) -> Self {
        Self {
            memory_limit,
            memory_used: 0,
            table_used: 0,
            refused: None,
        }
    }

    pub(super) fn refused(&self) -> Option<Refused> {
        self.refused
    }

    pub(super) fn memory_used(&self) -> usize {
        self.memory_used
    }
}

impl ResourceLimiter for GuestLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self
            .memory_used
            .saturating_sub(current)
            .saturating_add(desired);
        if total > self.memory_limit {
            self.refused = Some(Refused::Memory);
            return Ok(false);
        }
        self.memory_used = total;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self
            .table_used
            .saturating_sub(current)
            .saturating_add(desired);
        if total > MAX_TABLE_ELEMENTS {
            self.refused = Some(Refused::Table);
            return Ok(false);
        }
        self.table_used = total;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_are_counted_together() {
        let mut limiter = GuestLimiter::new(100);
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(
            limiter.memory_growing(0, 40, None).unwrap(),
            "a second memory fits exactly"
        );
        assert!(!limiter.memory_growing(40, 41, None).unwrap());
        assert_eq!(limiter.refused(), Some(Refused::Memory));
        assert_eq!(limiter.memory_used(), 100);
    }

    #[test]
    fn tables_are_counted_together() {
        let mut limiter = GuestLimiter::new(0);
        assert!(limiter.table_growing(0, MAX_TABLE_ELEMENTS, None).unwrap());
        assert!(!limiter.table_growing(0, 1, None).unwrap());
        assert_eq!(limiter.refused(), Some(Refused::Table));
    }
}
