//! What can only be checked once the compiler knows every tool's name: `plugin!` sees paths, and a tool's name may be another than its
//! function's. These run at compile time, and their panics are the compiler's error messages.

use super::plugin::ToolEntry;

/// Checks that no tool before the one at `index` has its name.
#[track_caller]
pub const fn check_listed_once(tools: &[ToolEntry], index: usize) {
    let (earlier, rest) = tools.split_at(index);
    let Some(tool) = rest.first() else { return };
    let mut at = 0;
    while at < earlier.len() {
        let (_, from) = earlier.split_at(at);
        if let Some(other) = from.first()
            && equal(other.name, tool.name)
        {
            let text = Text::new()
                .push("there are two tools named `")
                .push(tool.name)
                .push("`: rename one with `#[tool(name = \"…\")]`");
            panic!("{}", text.as_str());
        }
        at += 1;
    }
}

/// Checks that `plugin.toml` speaks of a tool that is there.
#[track_caller]
pub const fn check_setting_is_listed(tools: &[ToolEntry], name: &str) {
    let mut nearest: Option<&str> = None;
    let mut nearest_distance = 3;
    let mut rest = tools;
    while let Some((tool, others)) = rest.split_first() {
        if equal(tool.name, name) {
            return;
        }
        let distance = distance(tool.name, name);
        if distance < nearest_distance {
            nearest = Some(tool.name);
            nearest_distance = distance;
        }
        rest = others;
    }
    let text = Text::new()
        .push("plugin.toml has [tools.")
        .push(name)
        .push("], but plugin!(…) lists no tool `")
        .push(name)
        .push("`");
    let text = match nearest {
        Some(nearest) => text.push("; did you mean `").push(nearest).push("`?"),
        None => text,
    };
    panic!("{}", text.as_str());
}

/// Checks that `{plugin}_{tool}` fits what all clients take.
#[track_caller]
pub const fn check_name_length(plugin: &str, tool: &ToolEntry, limit: usize, limit_in_words: &str) {
    if plugin.len() + 1 + tool.name.len() > limit {
        let text = Text::new()
            .push("`")
            .push(plugin)
            .push("_")
            .push(tool.name)
            .push("` is too long: at most ");
        panic!(
            "{}",
            text.push(limit_in_words)
                .push(" characters fit all clients")
                .as_str()
        );
    }
}

const fn equal(left: &str, right: &str) -> bool {
    distance_of_bytes(left.as_bytes(), right.as_bytes()) == 0
}

const fn distance(left: &str, right: &str) -> usize {
    distance_of_bytes(left.as_bytes(), right.as_bytes())
}

const LONGEST: usize = 64;

/// How many bytes have to be changed, added or removed to make one of the other (Levenshtein). Anything longer than a name may be
/// counts as far off, unless it is the same.
#[expect(
    clippy::indexing_slicing,
    reason = "constant evaluation has no other way, and would fail to compile instead of panicking"
)]
const fn distance_of_bytes(left: &[u8], right: &[u8]) -> usize {
    if left.len() >= LONGEST || right.len() >= LONGEST {
        return LONGEST;
    }
    let mut row = [0; LONGEST];
    let mut column = 0;
    while column <= right.len() {
        row[column] = column;
        column += 1;
    }
    let mut line = 0;
    while line < left.len() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        let mut column = 0;
        while column < right.len() {
            let substituted = diagonal + if left[line] == right[column] { 0 } else { 1 };
            diagonal = row[column + 1];
            let shorter = if row[column] < diagonal {
                row[column]
            } else {
                diagonal
            };
            row[column + 1] = if substituted < shorter + 1 {
                substituted
            } else {
                shorter + 1
            };
            column += 1;
        }
        line += 1;
    }
    row[right.len()]
}

/// A message put together at compile time. What does not fit is left out.
struct Text {
    bytes: [u8; 512],
    length: usize,
}

impl Text {
    const fn new() -> Self {
        Self {
            bytes: [0; 512],
            length: 0,
        }
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "constant evaluation has no other way, and the index is compared before"
    )]
    const fn push(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        if self.length + text.len() > self.bytes.len() {
            return self;
        }
        let mut at = 0;
        while at < text.len() {
            self.bytes[self.length] = text[at];
            self.length += 1;
            at += 1;
        }
        self
    }

    const fn as_str(&self) -> &str {
        match str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            Err(_) => "plugin!(…) and plugin.toml do not fit together",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (left, right, expected) in [
            ("", "", 0),
            ("search", "search", 0),
            ("search", "serach", 2),
            ("a", "", 1),
            ("add", "and", 1),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
            assert_eq!(distance(right, left), expected, "{left} {right}");
        }
    }
}
