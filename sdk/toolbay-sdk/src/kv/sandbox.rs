//! In the sandbox the state is the host's.

pub(super) use crate::__private::bindings::toolbay::plugin::kv::{
    compare_and_set, delete, get, keys, set,
};
