//! Proposals for an argument while a person types it. Owns how they are built; which arguments have them is said at the prompt or the resource.

use std::collections::BTreeMap;

use crate::__private::bindings::completions;

/// Values that fit what was typed so far, the best first. A completer that knows nothing more returns a `Vec<String>` instead.
///
/// ```
/// use toolbay_sdk::prelude::*;
///
/// /// Asks for a poem.
/// #[prompt(complete(form = forms))]
/// fn poem(
///     /// Which kind of poem
///     form: &str,
/// ) -> String {
///     format!("Write a {form}.")
/// }
///
/// fn forms(typed: &str, _settled: &Settled) -> Completion {
///     Completion::matching(["haiku", "limerick", "sonnet"], typed)
/// }
/// # fn main() {
/// assert_eq!(forms("Li", &Settled::default()).values(), ["limerick"]);
/// assert_eq!(Completion::new(["a", "b"]).total(7).more().values(), ["a", "b"]);
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completion {
    values: Vec<String>,
    total: Option<u32>,
    has_more: bool,
}

impl Completion {
    /// These values. The client gets the first 100.
    pub fn new<V: Into<String>>(values: impl IntoIterator<Item = V>) -> Self {
        Self {
            values: values.into_iter().map(Into::into).collect(),
            total: None,
            has_more: false,
        }
    }

    /// Those of the values that begin with what was typed, in upper or lower case.
    pub fn matching<V: Into<String>>(values: impl IntoIterator<Item = V>, typed: &str) -> Self {
        let typed = typed.to_lowercase();
        let values = values.into_iter().map(Into::into);
        Self::new(values.filter(|value: &String| value.to_lowercase().starts_with(&typed)))
    }

    /// Says how many there are in all.
    #[must_use]
    pub fn total(mut self, total: u32) -> Self {
        self.total = Some(total);
        self
    }

    /// Says that there are more than these.
    #[must_use]
    pub fn more(mut self) -> Self {
        self.has_more = true;
        self
    }

    /// The values.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    pub(crate) fn into_wire(self) -> completions::Completion {
        completions::Completion {
            values: self.values,
            total: self.total,
            has_more: self.has_more,
            meta: None,
        }
    }
}

/// The arguments that are settled while another one is typed.
///
/// ```
/// use toolbay_sdk::Settled;
///
/// fn branches(typed: &str, settled: &Settled) -> Vec<String> {
///     match settled.get("repository") {
///         Some(repository) => vec![format!("{repository}/{typed}")],
///         None => Vec::new(),
///     }
/// }
/// let settled = Settled::from_iter([("repository", "toolbay")]);
/// assert_eq!(branches("m", &settled), ["toolbay/m"]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled(BTreeMap<String, String>);

impl Settled {
    /// The value of an argument, if it is settled.
    pub fn get(&self, argument: &str) -> Option<&str> {
        self.0.get(argument).map(String::as_str)
    }

    pub(crate) fn of(arguments: BTreeMap<String, String>) -> Self {
        Self(arguments)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Settled {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(arguments: I) -> Self {
        let arguments = arguments.into_iter();
        Self(
            arguments
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}
