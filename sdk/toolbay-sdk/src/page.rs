//! Lists that are given a page at a time. Owns how many items a page has, how the next one is found, and what a page looks like.

mod cursor;

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use self::cursor::Cursor;

/// How many items a page is to have, as a tool's argument: 1 to 100, and 50 where the caller does not say.
///
/// What is beyond is no error: 500 is taken as 100, and -1 as 1. `Limit<20>` is 20 where the caller does not say, `Limit<20, 500>` is at most 500.
///
/// ```
/// use toolbay_sdk::prelude::*;
///
/// /// Lists the planets.
/// #[tool]
/// fn planets(limit: Limit) -> Vec<&'static str> {
///     ["Mercury", "Venus", "Earth"].into_iter().take(limit.get()).collect()
/// }
/// # fn main() {
/// assert_eq!(planets(Limit::new(2)), ["Mercury", "Venus"]);
/// assert_eq!(Limit::<50>::new(500).get(), 100);
/// assert_eq!(Limit::<20>::default().get(), 20);
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Limit<const DEFAULT: usize = 50, const MAX: usize = 100>(usize);

impl<const DEFAULT: usize, const MAX: usize> Limit<DEFAULT, MAX> {
    /// As many as asked for, as far as that is allowed.
    pub fn new(asked: i64) -> Self {
        let asked = usize::try_from(asked.max(1)).unwrap_or(usize::MAX);
        Self(asked.min(MAX).max(1))
    }

    /// How many: at least 1.
    pub fn get(self) -> usize {
        self.0
    }

    /// One more than that, to fetch from where one is told how many to give: whether it comes tells whether there is a page after this one.
    ///
    /// ```
    /// use toolbay_sdk::Limit;
    /// assert_eq!(Limit::<50>::default().plus_one(), 51);
    /// ```
    pub fn plus_one(self) -> usize {
        self.0.saturating_add(1)
    }
}

impl<const DEFAULT: usize, const MAX: usize> Default for Limit<DEFAULT, MAX> {
    fn default() -> Self {
        Self(DEFAULT.min(MAX).max(1))
    }
}

impl<const DEFAULT: usize, const MAX: usize> Serialize for Limit<DEFAULT, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, const DEFAULT: usize, const MAX: usize> Deserialize<'de> for Limit<DEFAULT, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As an option, so that an argument that is left out is read as none, which is the default.
        deserializer.deserialize_option(LimitVisitor)
    }
}

struct LimitVisitor<const DEFAULT: usize, const MAX: usize>;

impl<'de, const DEFAULT: usize, const MAX: usize> Visitor<'de> for LimitVisitor<DEFAULT, MAX> {
    type Value = Limit<DEFAULT, MAX>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a whole number")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Limit::default())
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Limit::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_i64<E: Error>(self, asked: i64) -> Result<Self::Value, E> {
        Ok(Limit::new(asked))
    }

    fn visit_u64<E: Error>(self, asked: u64) -> Result<Self::Value, E> {
        Ok(Limit::new(i64::try_from(asked).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E: Error>(self, asked: f64) -> Result<Self::Value, E> {
        // JSON Schema takes 50.0 for a whole number, and so are all the large ones.
        if asked.fract() == 0.0 {
            #[expect(clippy::cast_possible_truncation, reason = "it saturates")]
            return Ok(Limit::new(asked as i64));
        }
        Err(E::invalid_value(serde::de::Unexpected::Float(asked), &self))
    }
}

impl<const DEFAULT: usize, const MAX: usize> JsonSchema for Limit<DEFAULT, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Limit_{DEFAULT}_{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // No minimum and no maximum: the host would refuse what is to be taken as the nearest number that is allowed.
        json_schema!({
            "type": "integer",
            "description": format!("How many items to return at most: 1 to {MAX}, and what is beyond is taken as the nearest of these"),
            "default": Self::default().get(),
        })
    }
}

/// One page of a list: the result of a tool that would return too much otherwise.
///
/// The simplest way is [`Page::of`], which counts. Where items come and go between two calls, or a server or a database does the counting, [`Page::after`]
/// goes on from the last item that was given.
///
/// ```
/// use toolbay_sdk::prelude::*;
///
/// /// Lists the names of all that came by.
/// #[tool]
/// fn visitors(
///     /// The `next_cursor` of the page before, for the page after it
///     cursor: Option<Cursor>,
///     limit: Limit,
/// ) -> Page<String> {
///     let visitors = ["ada", "bo", "cy"].map(str::to_owned);
///     Page::of(visitors, cursor, limit)
/// }
///
/// # fn main() {
/// let first = visitors(None, Limit::new(2));
/// assert_eq!(first.items, ["ada", "bo"]);
/// assert!(first.has_more);
/// let second = visitors(first.next_cursor, Limit::new(2));
/// assert_eq!(second.items, ["cy"]);
/// assert!(second.next_cursor.is_none());
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(bound(
    serialize = "T: Serialize, P: Serialize",
    deserialize = "T: Deserialize<'de>, P: DeserializeOwned"
))]
#[schemars(bound = "T: JsonSchema", inline, description = "One page of a list")]
pub struct Page<T, P = u64> {
    /// The items of this page
    pub items: Vec<T>,
    /// What to give as `cursor` for the next page; not there on the last one
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Cursor")]
    pub next_cursor: Option<Cursor<P>>,
    /// Whether there are more items
    pub has_more: bool,
    /// How many items there are on all pages together
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64")]
    pub total_count: Option<u64>,
}

impl<T> Page<T> {
    /// The page of a list that the cursor says, or its first one. The items are those of the whole list, in an order that stays the same; no more of them are
    /// taken than the page needs, and one to know whether there are more.
    ///
    /// The cursor holds how many items came before, so what is put in or taken out before them moves the rest.
    pub fn of<const DEFAULT: usize, const MAX: usize>(
        items: impl IntoIterator<Item = T>,
        cursor: Option<Cursor>,
        limit: Limit<DEFAULT, MAX>,
    ) -> Self {
        let start = cursor.map_or(0, Cursor::into_position);
        let end = start.saturating_add(u64::try_from(limit.get()).unwrap_or(u64::MAX));
        let items = items
            .into_iter()
            .skip(usize::try_from(start).unwrap_or(usize::MAX));
        Self::cut(items, limit.get(), |_| end)
    }
}

impl<T, P> Page<T, P> {
    /// A page of items that already begin after the cursor's position; `position` says of an item where the next page begins after it.
    ///
    /// Where they are fetched, [`Limit::plus_one`] is how many to ask for: the one too many tells that there are more, and is left out.
    ///
    /// ```
    /// use toolbay_sdk::prelude::*;
    ///
    /// /// Lists the words of the dictionary.
    /// #[tool]
    /// fn words(cursor: Option<Cursor<String>>, limit: Limit) -> Page<String, String> {
    ///     let after = cursor.map(Cursor::into_position).unwrap_or_default();
    ///     let words = ["apple", "honey", "milk"].map(str::to_owned);
    ///     Page::after(words.into_iter().filter(|word| *word > after), limit, Clone::clone)
    /// }
    /// # fn main() {
    /// let first = words(None, Limit::new(1));
    /// assert_eq!(words(first.next_cursor, Limit::new(1)).items, ["honey"]);
    /// # }
    /// ```
    pub fn after<const DEFAULT: usize, const MAX: usize>(
        items: impl IntoIterator<Item = T>,
        limit: Limit<DEFAULT, MAX>,
        position: impl FnOnce(&T) -> P,
    ) -> Self {
        Self::cut(items.into_iter(), limit.get(), position)
    }

    /// Says how many items there are on all pages together, where that is known.
    ///
    /// ```
    /// use toolbay_sdk::{Limit, Page};
    ///
    /// let notes = ["a", "b", "c"];
    /// let page = Page::of(notes, None, Limit::<2>::default()).with_total(notes.len());
    /// assert_eq!(page.total_count, Some(3));
    /// ```
    #[must_use]
    pub fn with_total(mut self, count: usize) -> Self {
        self.total_count = u64::try_from(count).ok();
        self
    }

    /// The same page with other items made of these.
    ///
    /// ```
    /// use toolbay_sdk::{Limit, Page};
    ///
    /// let page = Page::of(1..=3, None, Limit::<2>::default()).map(|number| number * 10);
    /// assert_eq!(page.items, [10, 20]);
    /// ```
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U, P> {
        Page {
            items: self.items.into_iter().map(change).collect(),
            next_cursor: self.next_cursor,
            has_more: self.has_more,
            total_count: self.total_count,
        }
    }

    fn cut(
        mut items: impl Iterator<Item = T>,
        limit: usize,
        position: impl FnOnce(&T) -> P,
    ) -> Self {
        let page: Vec<T> = items.by_ref().take(limit).collect();
        let has_more = page.len() == limit && items.next().is_some();
        let last = page.last().filter(|_| has_more);
        Self {
            next_cursor: last.map(|last| Cursor::new(position(last))),
            items: page,
            has_more,
            total_count: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn limit(json: &str) -> Result<usize, String> {
        serde_json::from_str::<Limit>(json)
            .map(Limit::get)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn limits_are_clamped_and_never_refused() {
        for (asked, taken) in [
            ("7", 7),
            ("500", 100),
            ("-1", 1),
            ("0", 1),
            ("50.0", 50),
            ("1e300", 100),
            ("-1e300", 1),
            ("18446744073709551615", 100),
            ("99999999999999999999999", 100),
            ("null", 50),
        ] {
            assert_eq!(limit(asked), Ok(taken), "{asked}");
        }
        assert!(limit("1.5").is_err());
        assert!(limit("\"5\"").is_err());
        assert_eq!(Limit::<0, 0>::default().get(), 1);
    }

    #[test]
    fn a_limit_that_is_left_out_is_the_default() {
        #[derive(Deserialize)]
        struct Arguments {
            limit: Limit<20>,
        }
        let arguments: Arguments = serde_json::from_str("{}").unwrap();
        assert_eq!(arguments.limit.get(), 20);
    }

    #[test]
    fn pages_follow_one_another_to_the_end() {
        for (count, size) in [(0, 3), (1, 3), (3, 3), (4, 3), (7, 1)] {
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let page = Page::of(0..count, cursor, Limit::<50>::new(size));
                assert_eq!(page.has_more, page.next_cursor.is_some());
                seen.extend(page.items);
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(seen, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_page_is_written_without_what_is_not_there() {
        let page = Page::of(["a", "b"], None, Limit::<1>::default());
        let cursor = serde_json::to_value(page.next_cursor.as_ref().unwrap()).unwrap();
        assert_eq!(
            serde_json::to_value(&page).unwrap(),
            json!({"items": ["a"], "next_cursor": cursor, "has_more": true})
        );
        let last = Page::of(["a"], None, Limit::<1>::default()).with_total(1);
        let text = serde_json::to_string(&last).unwrap();
        assert_eq!(text, r#"{"items":["a"],"has_more":false,"total_count":1}"#);
        assert_eq!(serde_json::from_str::<Page<&str>>(&text).unwrap(), last);
    }
}
