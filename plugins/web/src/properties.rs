//! Whatever a server sends, something comes of it or an error that says something.

use proptest::prelude::*;

use crate::get::Fetched;
use crate::{html, json, page};

/// Pieces that make up pages: put together at random they get further than random characters do.
const PIECES: &[&str] = &[
    "<p>",
    "</p>",
    "<div>",
    "</div>",
    "<main>",
    "</main>",
    "<article>",
    "<nav>",
    "</nav>",
    "<table>",
    "<tr>",
    "<td colspan=9>",
    "<th>",
    "</table>",
    "<thead>",
    "<caption>",
    "<ul>",
    "<ol start=7>",
    "<li>",
    "</ul>",
    "<pre>",
    "<code>",
    "</pre>",
    "<a href='/x?y#z'>",
    "<a href=javascript:x>",
    "</a>",
    "<img src=a alt=b>",
    "<b>",
    "</i>",
    "<i>",
    "<sup>",
    "<br>",
    "<hr>",
    "<h1>",
    "</h1>",
    "<blockquote>",
    "<select>",
    "<option>",
    "<selectedcontent>",
    "<template>",
    "<svg>",
    "<math>",
    "<title>",
    "</title>",
    "<base href='//b.test/'>",
    "<script>",
    "</script>",
    "<!--",
    "-->",
    "<?pi?>",
    "<![CDATA[",
    "&amp;",
    "&#0;",
    "`",
    "|",
    "*",
    "\\",
    "#",
    " ",
    "\n",
    "\0",
    "word",
    "Größe",
    "1. ",
    "<p hidden>",
    "<div style='display: none'>",
    "<frameset>",
    "<body role=main>",
    "<html>",
];

fn fetched(content_type: &str, bytes: Vec<u8>) -> Fetched {
    Fetched {
        url: "https://x.test/a/b?c".to_owned(),
        content_type: content_type.to_owned(),
        bytes,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn any_page_is_read(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..60), whole in any::<bool>()) {
        let html = pieces.concat();
        let document = html::read(&html, "https://x.test/a/b?c", whole);
        prop_assert!(!document.text.contains("](javascript:"));
        prop_assert!(document.text.contains("```") || !document.text.contains("\n\n\n"));
        if let Ok(read) = page::read(&fetched("text/html", html.into_bytes()), 0, 1000, whole) {
            prop_assert_eq!(read.value.title, document.title);
            prop_assert!(document.text.starts_with(&read.value.text));
        }
    }

    #[test]
    fn any_bytes_are_read(content_type in "(text/html|text/plain|application/json)?(; ?charset=(utf-8|utf-16le|gbk|big5|iso-2022-jp|x))?", bytes in proptest::collection::vec(any::<u8>(), 0..200), start in 0..10_u64) {
        if let Err(error) = page::read(&fetched(&content_type, bytes), start, 1000, false) {
            prop_assert!(!error.message().is_empty());
        }
    }

    #[test]
    fn any_pointer_is_answered(pointer in "(/(a|b|0|1|-|~0|~1|~|\\PC)){0,4}|\\PC{0,8}", json in "[\\[\\]{}a\":,01 ]{0,20}|\\{\"a\":\\[\\{\"b\":1\\}\\]\\}") {
        if let Err(error) = json::select(&fetched("application/json", json.into_bytes()), &pointer) {
            prop_assert!(!error.message().is_empty());
        }
    }
}
