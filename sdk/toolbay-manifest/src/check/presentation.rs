//! What icons and annotations have to keep.

use super::{at_key, check_texts};
use crate::error::{ManifestError, Place, shorten};
use crate::presentation::{ContentAnnotations, Icon};
use crate::rules::{self, MAX_ICONS};

pub(super) fn check_icons(place: &Place, icons: &[Icon]) -> Result<(), ManifestError> {
    if icons.len() > MAX_ICONS {
        let problem = format!(
            "there are {} icons; at most {MAX_ICONS} are allowed",
            icons.len()
        );
        return Err(ManifestError::value(place, problem, "leave some out"));
    }
    for (index, icon) in icons.iter().enumerate() {
        let place = place.table(format!("icon {}", index + 1));
        rules::check_icon_source(&icon.src).map_err(at_key(&place, "src"))?;
        check_mime_type(&place, icon.mime_type.as_deref())?;
        if let Some(size) = icon.sizes.iter().find(|size| !is_size(size)) {
            let problem = format!("`sizes` has \"{}\"", shorten(size));
            let hint = "write width, `x` and height in pixels, or `any`: [\"48x48\"]";
            return Err(ManifestError::value(&place, problem, hint));
        }
    }
    Ok(())
}

fn is_size(text: &str) -> bool {
    let is_number = |text: &str| {
        (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    text == "any"
        || text
            .split_once('x')
            .is_some_and(|(width, height)| is_number(width) && is_number(height))
}

pub(super) fn check_mime_type(place: &Place, text: Option<&str>) -> Result<(), ManifestError> {
    text.map_or(Ok(()), |text| {
        rules::check_mime_type(text).map_err(at_key(place, "mime-type"))
    })
}

pub(super) fn check_annotations(
    place: &Place,
    annotations: &ContentAnnotations,
) -> Result<(), ManifestError> {
    let place = &place.table("annotations".to_owned());
    if let Some(priority) = annotations.priority
        && !(0.0..=1.0).contains(&priority)
    {
        return Err(ManifestError::value(
            place,
            format!("`priority` is {priority}"),
            "write a number from 0.0 (entirely optional) to 1.0 (effectively required)",
        ));
    }
    if let Some(time) = &annotations.last_modified {
        check_texts(place, &[("last-modified", Some(time))])?;
        if !is_timestamp(time) {
            let problem = format!("`last-modified` is \"{}\"", shorten(time));
            let hint = "write a date and a time with its offset: \"2026-11-22T09:30:00Z\"";
            return Err(ManifestError::value(place, problem, hint));
        }
    }
    Ok(())
}

/// Whether a text has the form of an ISO 8601 timestamp with an offset (RFC 3339). Whether there is such a day is not looked at: nothing counts on it.
fn is_timestamp(text: &str) -> bool {
    let (date_time, is_zoned) = match text.strip_suffix(['Z', 'z']) {
        Some(date_time) => (date_time, true),
        None => match text.char_indices().rev().nth(5) {
            Some((place, '+' | '-')) => {
                let (date_time, offset) = text.split_at(place);
                (
                    date_time,
                    has_form(offset.get(1..).unwrap_or_default(), "00:00"),
                )
            }
            _ => (text, false),
        },
    };
    let (whole, fraction) = date_time.split_once('.').unwrap_or((date_time, "0"));
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    is_zoned && is_fraction && has_form(&whole.to_ascii_uppercase(), "0000-00-00T00:00:00")
}

/// Whether a text is the form with any digits where that has a `0`.
fn has_form(text: &str, form: &str) -> bool {
    text.len() == form.len()
        && text
            .bytes()
            .zip(form.bytes())
            .all(|(found, wanted)| match wanted {
                b'0' => found.is_ascii_digit(),
                other => found == other,
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps() {
        for (text, expected) in [
            ("2026-11-22T09:30:00Z", true),
            ("2026-11-22t09:30:00.123+05:30", true),
            ("2026-11-22T09:30:00", false),
            ("2026-11-22", false),
            ("2026-11-22T09:30:00.Z", false),
            ("2026-11-22T09:30:00+0530", false),
            ("é+00:00", false),
            ("", false),
        ] {
            assert_eq!(is_timestamp(text), expected, "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("any", true),
            ("48x48", true),
            ("16x", false),
            ("x16", false),
            ("48", false),
            ("123456x1", false),
            ("4 x4", false),
        ] {
            assert_eq!(is_size(text), expected, "{text}");
        }
    }
}
