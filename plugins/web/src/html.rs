//! From a page to Markdown. Owns which part of a page is its main text, and how Markdown is written; what is taken out before is in `clean`.

use std::rc::Rc;
use std::time::{Duration, Instant};

use htmd::element_handler::{HandlerResult, Handlers};
use htmd::options::{BulletListMarker, LinkStyle, Options};
use htmd::{Element, HtmlToMarkdown, Node};
use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::RcDom;

use crate::clean::{self, attribute, children, tag, text_of};
use crate::{code, table};

/// How many characters the text of a `main` has at least to be a page's main text, however much else there is.
const ENOUGH: usize = 200;

/// A document as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) title: Option<String>,
    pub(crate) text: String,
}

/// The title of a page and its text in Markdown, with the addresses of links made whole.
pub(crate) fn read(html: &str, url: &str, whole_page: bool) -> Document {
    let converter = converter();
    let tree = parse(html);
    let title = title(&tree);
    let has_text = body(&tree).is_some_and(|body| !text_of(&body).trim().is_empty());
    clean::clean(&tree, url, whole_page);
    let text = if whole_page {
        converter.tree_to_markdown(&tree)
    } else {
        converter.tree_to_markdown(&main_text(&tree))
    };
    let text = without_gaps(&text);
    if text.is_empty() && has_text && !whole_page {
        // All of it may be in what is mostly no text, such as a header.
        return Document {
            title,
            text: read(html, url, true).text,
        };
    }
    Document { title, text }
}

/// The tree of a page. Elements nested in one another without end take a parser time that grows with the square of their number: what is not read after
/// some seconds is left out.
fn parse(html: &str) -> Rc<Node> {
    const CHUNK: usize = 16 * 1024;
    const MAX_TIME: Duration = Duration::from_secs(5);
    let start = Instant::now();
    let mut parser = parse_document(RcDom::default(), ParseOpts::default());
    let mut rest = html;
    while !rest.is_empty() && start.elapsed() < MAX_TIME {
        let (chunk, later) = rest.split_at(rest.ceil_char_boundary(CHUNK));
        parser.process(chunk.into());
        rest = later;
    }
    parser.finish().document
}

fn converter() -> HtmlToMarkdown {
    let options = Options {
        link_style: LinkStyle::InlinedPreferAutolinks,
        bullet_list_marker: BulletListMarker::Dash,
        ul_bullet_spacing: 1,
        ol_number_spacing: 1,
        ..Options::default()
    };
    HtmlToMarkdown::builder()
        .options(options)
        .add_handler(vec!["table"], table::write)
        .add_handler(vec!["pre"], code::write_block)
        .add_handler(vec!["code"], code::write_inline)
        .add_handler(vec!["sup", "sub"], raised_or_lowered)
        // The title is told apart from the text.
        .skip_tags(vec!["title"])
        .build()
}

/// `x²` must not become `x2`. The marks of footnotes are no such thing.
fn raised_or_lowered(handlers: &dyn Handlers, element: Element) -> Option<HandlerResult> {
    let inner = handlers.walk_children(element.node);
    let text = inner.content.trim();
    if text.is_empty() || text.starts_with(['[', '\\', '<']) {
        return Some(inner);
    }
    let tag = element.tag;
    Some(format!("<{tag}>{text}</{tag}>").into())
}

/// The title that a page gives itself: for the window, for those who share it, or as its heading.
fn title(tree: &Rc<Node>) -> Option<String> {
    let elements = || clean::descendants(tree);
    let in_head = |node: &Rc<Node>| tag(node) == Some("title") && !clean::is_inside(node, "svg");
    let shared = |node: &Rc<Node>| {
        let is_title = attribute(node, "property").is_some_and(|name| name == "og:title");
        attribute(node, "content").filter(|_| is_title)
    };
    let heading = |node: &Rc<Node>| (tag(node) == Some("h1")).then(|| text_of(node));
    elements()
        .find(in_head)
        .map(|node| text_of(&node))
        .into_iter()
        .chain(elements().find_map(|node| shared(&node)))
        .chain(elements().find_map(|node| heading(&node)))
        .map(|title| title.split_whitespace().collect::<Vec<_>>().join(" "))
        .find(|title| !title.is_empty())
}

/// The part of a page that it is about: its `main` if there is much in it, or an `article` that makes up half of the page; else all of it.
fn main_text(tree: &Rc<Node>) -> Rc<Node> {
    let length = |node: &Rc<Node>| {
        text_of(node)
            .split_whitespace()
            .map(str::len)
            .sum::<usize>()
    };
    let all = length(tree);
    let longest = |is_one: &dyn Fn(&Rc<Node>) -> bool| {
        clean::descendants(tree)
            .filter(|node| is_one(node))
            .map(|node| (length(&node), node))
            .max_by_key(|(length, _)| *length)
    };
    let main = longest(&|node| clean::is_main(node));
    let article = longest(&|node| tag(node) == Some("article"));
    match (main, article) {
        (Some((length, main)), _) if length >= ENOUGH || 2 * length >= all => main,
        (_, Some((length, article))) if 2 * length >= all => article,
        _ => body(tree).unwrap_or_else(|| tree.clone()),
    }
}

fn body(tree: &Rc<Node>) -> Option<Rc<Node>> {
    let html = children(tree)
        .into_iter()
        .find(|node| tag(node) == Some("html"))?;
    children(&html)
        .into_iter()
        .find(|node| tag(node) == Some("body"))
}

/// One empty line between paragraphs is enough, and spaces before the end of a line are seen by nobody. Code stays as it is.
fn without_gaps(markdown: &str) -> String {
    let mut text = String::with_capacity(markdown.len());
    let mut fence: Option<usize> = None;
    let mut empty = 0;
    for line in markdown.lines() {
        let marks = backticks(line);
        match fence {
            // What opens a block may say its language after the marks; what closes it says nothing.
            Some(opened) if marks >= opened && line.trim().len() == marks => fence = None,
            None if marks >= 3 => fence = Some(marks),
            _ => {}
        }
        if fence.is_some() {
            text.push_str(line);
            text.push('\n');
            empty = 0;
            continue;
        }
        // Two spaces at the end of a line break it, which is all the same in text that is read as it is.
        let line = line.trim_end();
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty < 2 {
            text.push_str(line);
            text.push('\n');
        }
    }
    text.trim_matches('\n').to_owned()
}

/// How many backticks a line begins with; in a list or a quotation after what marks it.
fn backticks(line: &str) -> usize {
    let line = line.trim_start_matches([' ', '>', '-']);
    line.len() - line.trim_start_matches('`').len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode;
    use crate::get::Fetched;

    fn fixture(bytes: &[u8], whole_page: bool) -> String {
        let fetched = Fetched {
            url: "https://example.org/book/guide/streams.html".to_owned(),
            content_type: "text/html".to_owned(),
            bytes: bytes.to_vec(),
        };
        let (_, html) = decode::text(&fetched).unwrap();
        let document = read(&html, &fetched.url, whole_page);
        format!(
            "{}\n----\n{}",
            document.title.unwrap_or_default(),
            document.text
        )
    }

    fn markdown(html: &str) -> String {
        read(html, "https://x.test/a/", false).text
    }

    #[test]
    fn a_page_of_documentation() {
        insta::assert_snapshot!(fixture(include_bytes!("fixtures/docs.html"), false), @r#"
        Streams — The Handbook
        ----
        # Streams

        A *stream* gives **bytes** as they come; see [its reference](https://example.org/book/api/stream.html#read), [the specification](https://example.org/rfc?a=1&b=2) or [write to us](mailto:ada@example.org). Everything below is about `read()`.

        Streams are not files.

        ## Reading

        1. Open it.
        2. Read it:

           ```rust
           let mut stream = open("a_b*c.txt")?;
           while let Some(chunk) = stream.read()? {
               println!("{chunk:?}"); // <done>
           }
           ```

        3. Close it:
           - by hand, or
           - by leaving the block.

        What comes back

        | Value | Means |
        | --- | --- |
        | `Some(a \| b)` | more is to come |
        | `None` | it has ended |

        A line with \* stars, \_underscores\_ and \<tags>.

        > Close what you open.
        >
        > Always.

        chunk

        some bytes

        * * *

        Last line.
        Really.
        "#);
    }

    #[test]
    fn all_of_a_page_of_documentation() {
        let whole = fixture(include_bytes!("fixtures/docs.html"), true);
        let lines: Vec<&str> = whole
            .lines()
            .take(12)
            .chain(whole.lines().rev().take(4))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        Streams — The Handbook
        ----
        Skip to content

        [The Handbook](https://example.org/)

        - [One](https://example.org/book/guide/one.html)
        - [Two](https://example.org/book/guide/two.html)

        # Streams

        A *stream* gives **bytes** as they come; see [its reference](https://example.org/book/api/stream.html#read), [the specification](https://example.org/rfc?a=1&b=2) or [write to us](mailto:ada@example.org). Everything below is about `read()`.
        © The authors

        [Next](https://example.org/book/guide/two.html)
        ");
    }

    #[test]
    fn a_page_of_news() {
        insta::assert_snapshot!(fixture(include_bytes!("fixtures/news.html"), false), @r"
        Bridge reopened after repairs
        ----
        # Bridge reopened after repairs

        By Ada Example, 22 November 2026

        ![The bridge at night](https://cdn.example.org/2026/bridge%20%281%29.jpg)

        The bridge on Saturday

        After two years the old bridge is open again. Thousands came to see it, and the mayor cut a ribbon that was 300 metres long. The repairs cost 12 million, which is less than had been planned.

        Share

        It is 1.5 km long. **It was built in 1890** and is *the oldest* of its kind.
        ");
    }

    #[test]
    fn a_page_of_an_encyclopedia() {
        insta::assert_snapshot!(fixture(include_bytes!("fixtures/encyclopedia.html"), false), @r"
        Water - Encyclopedia
        ----
        # Water

        | Water |  |
        | --- | --- |
        | Formula | H<sub>2</sub>O |
        | Density | 1 g/cm<sup>3</sup>\[1\] |

        **Water** is a [compound](https://example.org/wiki/Chemical_compound) of [hydrogen](https://example.org/wiki/Hydrogen) and [oxygen](https://example.org/wiki/Oxygen_%28element%29).\[2\] Its energy is ![E=mc^{2}](https://math.example.org/e.svg).

        |  |  |
        | --- | --- |
        | Ice | 0 °C |
        | Steam | 100 °C |

        Left column.

        Right column.

        ## Notes

        1. At 4 °C.
        ");
    }

    #[test]
    fn an_old_page_laid_out_with_tables() {
        insta::assert_snapshot!(fixture(include_bytes!("fixtures/old.html"), false), @r"
        Café Old
        ----
        Café Old

        |  |  |  |
        | --- | --- | --- |
        | [Menu](https://example.org/book/guide/menu.htm) | \| | [Map](https://example.org/book/guide/map.htm) |

        Open daily from 9–18
        Closed on Mondays

        Soup **of** the day: 4 €

        - Tomato
        - Onion

        Main Street 1
        ");
    }

    #[test]
    fn the_main_text_is_what_the_page_is_about() {
        let long = "word ".repeat(100);
        for (html, expected) in [
            (format!("<div>menu</div><main>{long}</main>"), long.trim()),
            (
                format!("<p>{long}</p><main>little</main>"),
                &format!("{}\n\nlittle", long.trim()),
            ),
            (
                format!("<div>teaser</div><article>{long}</article><article>other</article>"),
                long.trim(),
            ),
            ("<main></main><p>text</p>".to_owned(), "text"),
            (
                "<header><p>Only a header</p></header>".to_owned(),
                "Only a header",
            ),
        ] {
            assert_eq!(markdown(&html), expected, "{html}");
        }
    }

    #[test]
    fn a_page_nested_without_end_is_read() {
        let deep = format!(
            "{}deep inside{}",
            "<div><b>".repeat(3_000),
            "</b></div>".repeat(3_000)
        );
        assert!(markdown(&deep).contains("deep inside"));
        let table = "<table><tr><td>a<td>b".repeat(1_000);
        assert!(markdown(&table).contains('b'));
        let list = "<ul><li>x".repeat(1_000);
        assert!(markdown(&list).contains('x'));
    }

    #[test]
    fn code_keeps_its_empty_lines() {
        let code = "a  \n\n\n\nb\n```\n\n\n  ``";
        let page = format!("<p>x<p>\n\n\n<p>y<ul><li><pre>{code}</pre></ul><p>z");
        insta::assert_snapshot!(markdown(&page).replace(' ', "·"), @r"
        x

        y

        -·````
        ··a



        ··b
        ··```


        ····``
        ··````

        z
        ");
    }

    #[test]
    fn code_is_written_without_what_colours_it() {
        for (html, expected) in [
            (
                "<pre>\na<br><b>b</b>\n  <a href=x>c</a>\n\n</pre>",
                "```\na\nb\n  c\n```",
            ),
            (
                "<pre><code class='hljs language-c++'>x</code></pre>",
                "```c++\nx\n```",
            ),
            (
                "<div class='highlight-python notranslate'><div class=highlight><pre>x</pre></div></div>",
                "```python\nx\n```",
            ),
            ("<pre class='language-a`b'>x</pre>", "```\nx\n```"),
            (
                "<table><tr><td class=linenos><pre>1</pre><td><pre>x\ny</pre></table>",
                "```\nx\ny\n```",
            ),
            ("<p><code>a\n <em>b</em></code>", "`a b`"),
            (
                "<p><a href='/x'><code>a</code></a>",
                "[`a`](https://x.test/x)",
            ),
            ("<p><code>a `b`</code>", "`` a `b` ``"),
            ("<p>a<code> </code>b", "ab"),
        ] {
            assert_eq!(markdown(html), expected, "{html}");
        }
    }

    #[test]
    fn addresses_are_made_whole_or_left_out() {
        for (html, expected) in [
            ("<a href='b?c#d'>x</a>", "[x](https://x.test/a/b?c#d)"),
            ("<a href='//y.test'>x</a>", "[x](https://y.test/)"),
            (
                "<a href='https://y.test/'>https://y.test/</a>",
                "<https://y.test/>",
            ),
            ("<a href='#d'>x</a>", "x"),
            ("<a href=' JavaScript:alert(1)'>x</a>", "x"),
            ("<a href='data:text/html,x'>x</a>", "x"),
            ("<a href='ftp://y.test/'>x</a>", "x"),
            ("<a href='mailto:a@y.test'>x</a>", "[x](mailto:a@y.test)"),
            (
                "<a href='/b'><img src='c.png' alt='picture'></a>",
                "[![picture](https://x.test/a/c.png)](https://x.test/b)",
            ),
            ("<img src='c.png'>y", "y"),
        ] {
            assert_eq!(markdown(html), expected, "{html}");
        }
    }

    #[test]
    fn tables_keep_every_cell() {
        let table = |rows: &str| markdown(&format!("<table>{rows}</table>"));
        insta::assert_snapshot!(table("<tr><th>a<th colspan=2>b</tr><tr><th>c<td>d<td>e|f<td>g</tr>"), @r"
        | a | b |  |  |
        | --- | --- | --- | --- |
        | c | d | e\|f | g |
        ");
        insta::assert_snapshot!(table("<tr><td>a<td>b</tr><tr><td><ul><li>c<li>d</ul><td></tr>"), @r"
        |  |  |
        | --- | --- |
        | a | b |
        | - c - d |  |
        ");
        insta::assert_snapshot!(table("<thead><tr><th>a<th>b</tr><tr><th>c<th>d</tr></thead><tfoot><tr><td>e<td>f</tfoot>"), @r"
        | a | b |
        | --- | --- |
        | c | d |
        | e | f |
        ");
        assert_eq!(table("<tr><td>only</tr>"), "only");
        assert_eq!(table(""), "");
    }
}
