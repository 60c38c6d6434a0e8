//! The lints, one file each or a family: what each finds, why it matters, and how it is found.

pub(crate) mod argument;
pub(crate) mod bounds;
pub(crate) mod count;
pub(crate) mod description;
pub(crate) mod format;
pub(crate) mod god_tool;
pub(crate) mod list;
pub(crate) mod names;
pub(crate) mod permissions;
pub(crate) mod read_only;
pub(crate) mod resource;
