//! What can only be checked once the compiler knows every tool's name: `plugin!` sees paths, and a tool's name may be another than its
//! function's. These run at compile time, and their panics are the compiler's error messages.

/// Checks that no tool (or resource, or prompt: that is `what`) before the one at `index` has its name.
#[track_caller]
pub const fn check_listed_once(what: &str, names: &[&str], index: usize) {
    let (earlier, rest) = names.split_at(index);
    let Some(name) = rest.first() else { return };
    let mut at = 0;
    while at < earlier.len() {
        let (_, from) = earlier.split_at(at);
        if let Some(other) = from.first()
            && equal(other, name)
        {
            let text = Text::new()
                .push("there are two ")
                .push(what)
                .push("s named `")
                .push(name)
                .push("`: rename one with `#[")
                .push(what)
                .push("(name = \"…\")]`");
            panic!("{}", text.as_str());
        }
        at += 1;
    }
}

/// Checks that `plugin.toml` speaks of something that is there.
#[track_caller]
pub const fn check_setting_is_listed(what: &str, names: &[&str], name: &str) {
    let mut nearest: Option<&str> = None;
    let mut nearest_distance = 3;
    let mut rest = names;
    while let Some((known, others)) = rest.split_first() {
        if equal(known, name) {
            return;
        }
        let distance = distance(known, name);
        if distance < nearest_distance {
            nearest = Some(known);
            nearest_distance = distance;
        }
        rest = others;
    }
    let text = Text::new()
        .push("plugin.toml has [")
        .push(what)
        .push("s.")
        .push(name)
        .push("], but plugin!(…) lists no ")
        .push(what)
        .push(" `")
        .push(name)
        .push("`");
    let text = match nearest {
        Some(nearest) => text.push("; did you mean `").push(nearest).push("`?"),
        None => text,
    };
    panic!("{}", text.as_str());
}

/// Checks that `{plugin}_{name}` fits what all clients take.
#[track_caller]
pub const fn check_name_length(plugin: &str, name: &str, limit: usize, limit_in_words: &str) {
    if plugin.len() + 1 + name.len() > limit {
        let text = Text::new()
            .push("`")
            .push(plugin)
            .push("_")
            .push(name)
            .push("` is too long: at most ");
        panic!(
            "{}",
            text.push(limit_in_words)
                .push(" characters fit all clients")
                .as_str()
        );
    }
}

/// Checks that a resource's URI begins with the plugin's name.
#[track_caller]
pub const fn check_scheme(plugin: &str, uri: &str) {
    let mut scheme = plugin.as_bytes();
    let mut rest = uri.as_bytes();
    while let (Some((wanted, scheme_behind)), Some((found, rest_behind))) =
        (scheme.split_first(), rest.split_first())
    {
        if *wanted != *found {
            break;
        }
        (scheme, rest) = (scheme_behind, rest_behind);
    }
    if scheme.is_empty() && matches!(rest.first(), Some(b':')) {
        return;
    }
    let text = Text::new()
        .push("`")
        .push(uri)
        .push("` does not begin with the plugin's name: write `")
        .push(plugin)
        .push("://…`");
    panic!("{}", text.as_str());
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
