//! Icons and annotations.

use serde_json::Value;

use crate::error::{ManifestError, Place, shorten};
use crate::fields::{Fields, wrong_type};
use crate::presentation::{Audience, ContentAnnotations, Icon, IconTheme};

const ICON_KEYS: &[&str] = &["src", "mime-type", "sizes", "theme"];
const ANNOTATION_KEYS: &[&str] = &["audience", "priority", "last-modified"];

pub(super) fn icons(fields: &mut Fields) -> Result<Vec<Icon>, ManifestError> {
    fields.tables("icons", "icon", icon)
}

fn icon(place: &Place, value: Value) -> Result<Icon, ManifestError> {
    let mut fields = Fields::new(place, "icon", value, ICON_KEYS)?;
    let Some(src) = fields.text("src")? else {
        return Err(fields.missing(
            "src",
            Some("write `src = \"https://…\"` or `src = \"data:image/…\"`"),
        ));
    };
    let theme = match fields.text("theme")?.as_deref() {
        None => None,
        Some("light") => Some(IconTheme::Light),
        Some("dark") => Some(IconTheme::Dark),
        Some(other) => {
            let problem = format!("`theme` is \"{}\"", shorten(other));
            return Err(ManifestError::value(
                place,
                problem,
                "write \"light\" or \"dark\": the background that the icon is made for",
            ));
        }
    };
    Ok(Icon {
        src,
        mime_type: fields.text("mime-type")?,
        sizes: fields.texts("sizes")?.unwrap_or_default(),
        theme,
    })
}

pub(super) fn annotations(
    fields: &mut Fields,
) -> Result<Option<ContentAnnotations>, ManifestError> {
    fields.table("annotations", |place, value| {
        let place = &place.table("annotations".to_owned());
        let mut fields = Fields::new(place, "annotations", value, ANNOTATION_KEYS)?;
        let audience = fields.texts("audience")?.unwrap_or_default();
        Ok(ContentAnnotations {
            audience: audience
                .iter()
                .map(|text| someone(place, text))
                .collect::<Result<_, _>>()?,
            priority: match fields.take("priority") {
                None => None,
                Some(value) => match value.as_f64() {
                    Some(number) => Some(number),
                    None => return Err(wrong_type(place, "priority", "a number", &value)),
                },
            },
            last_modified: fields.text("last-modified")?,
        })
    })
}

fn someone(place: &Place, text: &str) -> Result<Audience, ManifestError> {
    match text {
        "user" => Ok(Audience::User),
        "assistant" => Ok(Audience::Assistant),
        other => {
            let problem = format!("`audience` has \"{}\"", shorten(other));
            Err(ManifestError::value(
                place,
                problem,
                "write [\"user\"], [\"assistant\"] or both",
            ))
        }
    }
}
