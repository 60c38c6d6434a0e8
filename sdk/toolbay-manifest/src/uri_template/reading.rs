//! From a URI back to the variables of a template. The URI comes from a client, so the time it takes grows with its length only, whatever the template.

use indexmap::IndexMap;

use super::{MAX_URI_BYTES, Part, UriTemplate, percent};

pub(super) fn values(template: &UriTemplate, uri: &str) -> Option<IndexMap<String, String>> {
    if uri.len() > MAX_URI_BYTES {
        return None;
    }
    let (path, query) = match uri.split_once('?') {
        Some((path, query)) if !template.query.is_empty() => (path, Some(query)),
        _ => (uri, None),
    };
    let mut values = IndexMap::new();
    for (name, raw, reserved) in split(&template.parts, path)? {
        let value = percent::decode(raw)?;
        if !is_harmless(&value, reserved) {
            return None;
        }
        values.insert(name.to_owned(), value);
    }
    for pair in query.into_iter().flat_map(|query| query.split('&')) {
        let (name, raw) = pair.split_once('=')?;
        if !template.query.iter().any(|known| known == name) || raw.contains('#') {
            return None;
        }
        if values
            .insert(name.to_owned(), percent::decode(raw)?)
            .is_some()
        {
            return None;
        }
    }
    Some(values)
}

/// A value may become a path, whatever system that is on.
fn is_harmless(value: &str, reserved: bool) -> bool {
    let mut segments = value.split(['/', '\\']);
    let dots = segments.any(|segment| segment == "." || segment == "..");
    !dots && (reserved || !value.contains('/'))
}

/// Cuts the path into the variables' values as they are written. Each takes as much as it can, the first one first.
fn split<'a>(parts: &'a [Part], path: &'a str) -> Option<Vec<(&'a str, &'a str, bool)>> {
    let ends = ends(parts, path);
    let mut found = Vec::new();
    let mut start = 0;
    for (part, ends) in parts.iter().zip(&ends) {
        let end = (*ends.get(start)?)?;
        if let Part::Variable { name, reserved } = part {
            found.push((name.as_str(), path.get(start..end)?, *reserved));
        }
        start = end;
    }
    (start == path.len()).then_some(found)
}

/// For each part and each place of the path: where the part ends if it begins there and everything behind it fits too.
fn ends(parts: &[Part], path: &str) -> Vec<Vec<Option<usize>>> {
    // Behind the last part only the end of the path fits.
    let mut behind: Vec<bool> = (0..=path.len()).map(|place| place == path.len()).collect();
    let mut all = Vec::with_capacity(parts.len());
    for part in parts.iter().rev() {
        let ends = match part {
            Part::Literal(text) => literal_ends(text, path, &behind),
            Part::Variable { reserved, .. } => variable_ends(*reserved, path, &behind),
        };
        behind = ends.iter().map(Option::is_some).collect();
        all.push(ends);
    }
    all.reverse();
    all
}

fn literal_ends(text: &str, path: &str, behind: &[bool]) -> Vec<Option<usize>> {
    let fits = |place: usize| {
        let end = place + text.len();
        let there = path.get(place..end) == Some(text);
        (there && behind.get(end) == Some(&true)).then_some(end)
    };
    (0..=path.len()).map(fits).collect()
}

fn variable_ends(reserved: bool, path: &str, behind: &[bool]) -> Vec<Option<usize>> {
    let mut ends = Vec::with_capacity(path.len() + 1);
    // The farthest end for whatever begins before it, walking from the end of the path to its beginning.
    let mut farthest = None;
    let bytes = path.bytes().map(Some).chain([None]);
    let places: Vec<_> = bytes.zip(behind).enumerate().collect();
    for (place, (byte, behind)) in places.into_iter().rev() {
        let stops = match byte {
            Some(b'?' | b'#') => true,
            Some(b'/') => !reserved,
            _ => false,
        };
        if stops {
            farthest = None;
        }
        ends.push(farthest);
        if farthest.is_none() && *behind && path.is_char_boundary(place) {
            farthest = Some(place);
        }
    }
    ends.reverse();
    ends
}
