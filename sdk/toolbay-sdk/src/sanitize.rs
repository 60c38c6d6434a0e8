//! Texts that a model or a page chose, put where another reader takes some of them for more than text: into SQL, a shell's line, a URL.
//!
//! Each function says what becomes of every text, and refuses what its reader cannot have. A path in a mount is [`Mount::join`](crate::Mount::join)'s, which refuses whatever leads out; requests made
//! with [`http`](crate::http) encode queries and forms by themselves.

mod shell;
mod sql;
mod url;

pub use self::shell::{shell_line, shell_word};
pub use self::sql::{Sql, SqlValue, like_pattern, sql_identifier};
pub use self::url::{url_below, url_query_value, url_segment};
