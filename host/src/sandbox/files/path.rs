//! What can be said of a guest's path by reading it alone. The file system itself keeps paths inside a mount; this finds the words for a refusal,
//! and the rule that links have to keep, which the file system does not know.

/// Whether a path leaves the folder that it starts in by its own words: it is absolute, or `..` climbs higher than it went down before. Links
/// on the way are not looked at.
pub(super) fn leads_out(path: &str) -> bool {
    if path.starts_with('/') {
        return true;
    }
    let mut depth = 0_usize;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match depth.checked_sub(1) {
                Some(above) => depth = above,
                None => return true,
            },
            _ => depth += 1,
        }
    }
    false
}

/// Whether a link with this target stays inside the mount wherever it is put.
///
/// `..` is refused altogether, also where it would end inside: a guest could make such a link deep in the mount and then move it, or a folder
/// that it lies in, further up, where the same words lead out.
pub(super) fn is_safe_target(target: &str) -> bool {
    !target.starts_with('/') && target.split('/').all(|part| part != "..")
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_by_their_words() {
        for (path, out) in [
            ("", false),
            (".", false),
            ("a/b", false),
            ("a/..", false),
            ("a/../b/./c", false),
            ("a/../..", true),
            ("..", true),
            ("./../a", true),
            ("a/../../a", true),
            ("/", true),
            ("/etc/passwd", true),
            ("//etc", true),
            ("...", false),
            ("..a/..b", false),
            ("a\\..\\..", false),
        ] {
            assert_eq!(leads_out(path), out, "{path}");
        }
    }

    #[test]
    fn targets_of_links() {
        for (target, safe) in [
            ("a", true),
            ("a/b/./c", true),
            ("..a", true),
            ("", true),
            ("/a", false),
            ("..", false),
            ("a/..", false),
            ("a/../b", false),
        ] {
            assert_eq!(is_safe_target(target), safe, "{target}");
        }
    }

    /// Where a path leads, seen from a folder `depth` levels down, counted by the standard library's own idea of components.
    fn height(path: &str, depth: i64) -> Option<i64> {
        let mut at = depth;
        for component in Path::new(path).components() {
            match component {
                Component::RootDir | Component::Prefix(_) => return None,
                Component::ParentDir => at -= 1,
                Component::Normal(_) => at += 1,
                Component::CurDir => {}
            }
            if at < 0 {
                return None;
            }
        }
        Some(at)
    }

    proptest! {
        #[test]
        fn agrees_with_the_standard_library(path in "(/|\\.|\\.\\.|a|b|\\.\\.\\.| ){0,12}") {
            prop_assert_eq!(leads_out(&path), height(&path, 0).is_none());
        }

        // A safe target never climbs, so it ends inside from wherever it is read.
        #[test]
        fn safe_targets_stay_inside_at_any_depth(target in "(/|\\.|\\.\\.|a|b){0,12}", depth in 0..4_i64) {
            if is_safe_target(&target) {
                prop_assert!(height(&target, depth).is_some_and(|at| at >= depth));
            }
        }
    }
}
