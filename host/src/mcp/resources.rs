//! The list of resources: those that manifests name, and those that guests list for their templates.

use rmcp::model::Resource;
use tokio_util::sync::CancellationToken;

use super::convert::listed;
use super::pages::{PAGE, Place};
use crate::call::{self, Call, CallRequest, Output, Wants};
use crate::catalog::{Catalog, Listed};
use crate::client::nobody;
use crate::host::Host;
use crate::principal::Principal;
use crate::sandbox::ResourcePage;

/// So many times guests are asked for one page: a guest may give short or empty pages.
const MAX_ASKED: usize = 32;

/// The page after a place, and the place where the next one begins.
pub(super) async fn list(
    host: &Host,
    principal: &Principal,
    catalog: &Catalog,
    after: Place,
    cancel: &CancellationToken,
) -> (Vec<Resource>, Option<Place>) {
    let mut entries = Vec::new();
    let mut asked = 0;
    let mut last = after.clone();
    for listed in catalog.resources() {
        let place = Place::of(listed);
        if !after.is_before(&place) {
            continue;
        }
        if entries.len() >= PAGE || asked >= MAX_ASKED {
            return (entries, Some(last));
        }
        if listed
            .tool
            .as_resource()
            .is_none_or(|resource| !resource.lists)
        {
            entries.extend(listed::resource(listed));
            last = place;
            continue;
        }
        let is_same = (&after.plugin, after.index) == (&place.plugin, place.index);
        let mut cursor = after.guest.clone().filter(|_| is_same);
        loop {
            asked += 1;
            let Some(page) = ask(host, principal, listed, cursor, cancel).await else {
                break;
            };
            let shown = page.entries.iter();
            entries.extend(shown.filter_map(|entry| listed::entry(listed, entry)));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
            if entries.len() >= PAGE || asked >= MAX_ASKED {
                let place = Place {
                    guest: cursor,
                    ..place
                };
                return (entries, Some(place));
            }
        }
        last = place;
    }
    (entries, None)
}

/// One page of what a guest lists. A plugin that fails has none, and spoils the list for nobody.
async fn ask(
    host: &Host,
    principal: &Principal,
    listed: Listed<'_>,
    cursor: Option<String>,
    cancel: &CancellationToken,
) -> Option<ResourcePage> {
    let request = CallRequest {
        wants: Wants::List {
            of: listed.found(),
            cursor,
        },
        consent: false,
        principal: principal.clone(),
        client: nobody(),
        recorded: Vec::new(),
        cancel,
        within: None,
    };
    let mut call = call::run(host, request).await.ok()?;
    loop {
        match call {
            Call::Ended(end) => {
                if let Some(remains) = end.remains {
                    host.sandbox.dispose(remains);
                }
                return match end.outcome {
                    Ok(Output::Page(page)) => Some(page),
                    _ => None,
                };
            }
            Call::Asks(paused) => {
                let nobody = Err("nobody can be asked while resources are listed".to_owned());
                call = paused.answer(nobody, cancel).await;
            }
        }
    }
}
