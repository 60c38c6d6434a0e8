//! Lists a page at a time. A page begins after a place that its cursor names: sealed, so that it is the host's own, for the list and the caller that it was given to.

use rmcp::model::ErrorData;
use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::catalog::Listed;
use crate::seal::{For, Seal};

/// So many entries has a page at most. Some clients ask for the first page alone.
pub(super) const PAGE: usize = 500;

/// How long a cursor is good.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listing {
    Tools,
    Prompts,
    Resources,
    Templates,
}

/// The last entry of a page: a plugin, the index of what it offers, and where the guest goes on that lists it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) plugin: String,
    pub(super) index: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) guest: Option<String>,
}

impl Place {
    pub(super) fn of(listed: Listed<'_>) -> Self {
        let offers = &listed.plugin.tools;
        let index = offers.iter().position(|offer| {
            offer.full_name == listed.tool.full_name && offer.kind.noun() == listed.tool.kind.noun()
        });
        Self {
            plugin: listed.plugin.info.name.clone(),
            // Counted from 1, so that the default comes before everything.
            index: index.unwrap_or_default() + 1,
            guest: None,
        }
    }

    /// Whether something is listed after this place. What a guest has still to go on with is.
    pub(super) fn is_before(&self, other: &Self) -> bool {
        let (this, other) = ((&self.plugin, self.index), (&other.plugin, other.index));
        if self.guest.is_some() {
            this <= other
        } else {
            this < other
        }
    }
}

/// The page after a place, and the place of its last entry where there are more.
pub(super) fn page<'a, T>(
    all: impl Iterator<Item = Listed<'a>>,
    after: &Place,
    convert: impl Fn(Listed<'a>) -> Option<T>,
) -> (Vec<T>, Option<Place>) {
    let mut rest = all
        .map(|listed| (Place::of(listed), listed))
        .filter(|(place, _)| after.is_before(place))
        .filter_map(|(place, listed)| Some((place, convert(listed)?)));
    let (mut entries, mut last) = (Vec::new(), Place::default());
    for (place, entry) in rest.by_ref().take(PAGE) {
        entries.push(entry);
        last = place;
    }
    let more = rest.next().is_some();
    (entries, more.then_some(last))
}

fn whom(principal: &str, listing: Listing) -> For<'_> {
    let purpose = match listing {
        Listing::Tools => "cursor of tools",
        Listing::Prompts => "cursor of prompts",
        Listing::Resources => "cursor of resources",
        Listing::Templates => "cursor of resource templates",
    };
    For { purpose, principal }
}

pub(super) fn seal(seal: &Seal, principal: &str, listing: Listing, place: &Place) -> String {
    seal.seal(whom(principal, listing), LIFETIME, place)
}

/// # Errors
///
/// A cursor that was not given by this host for this list and caller.
pub(super) fn open(
    seal: &Seal,
    principal: &str,
    listing: Listing,
    cursor: &str,
) -> Result<Place, ErrorData> {
    let opened = seal.open(whom(principal, listing), cursor);
    opened.map(|opened| opened.content).map_err(|_| {
        ErrorData::invalid_params(
            format!(
                "unknown cursor `{}`: use the `nextCursor` of this list's page before, or none for the first page",
                crate::text::shorten(&crate::text::escape(cursor), 80)
            ),
            None,
        )
    })
}
