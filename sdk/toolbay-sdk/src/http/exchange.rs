//! From a request to the answer that its author sees: one exchange after the other, as long as servers redirect. Knows nothing of how one is made.

use std::fmt;
use std::io::Read;
use std::time::Instant;

use super::body::Body;
use super::request::Request;
use super::response::Response;
use super::url::{Scheme, Url};
use crate::error::ToolError;

/// One request as it goes out.
#[derive(Debug)]
#[cfg_attr(
    not(any(test, target_family = "wasm")),
    expect(dead_code, reason = "outside the sandbox nothing is sent")
)]
pub(super) struct Hop<'a> {
    pub(super) method: &'a str,
    pub(super) url: &'a Url,
    pub(super) headers: &'a [(String, String)],
    pub(super) body: Option<&'a [u8]>,
    pub(super) deadline: Instant,
}

impl fmt::Display for Hop<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.url.for_errors())
    }
}

/// What came back of it.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Box<dyn Read>,
}

/// Sends a request, and whatever the answers redirect to.
pub(super) fn follow(
    request: Request,
    send: &mut dyn FnMut(&Hop<'_>) -> Result<Answer, ToolError>,
) -> Result<Response, ToolError> {
    let Request {
        mut method,
        url,
        mut headers,
        mut body,
        timeout,
        redirects,
        max_body,
    } = request;
    let mut url = url?;
    // A timeout beyond what the clock can count is none that anybody waits for.
    let start = Instant::now();
    let deadline = start
        .checked_add(timeout)
        .unwrap_or(start + super::request::DEFAULT_TIMEOUT);
    add_defaults(&mut headers);
    let mut followed = 0;
    loop {
        let hop = Hop {
            method: &method,
            url: &url,
            headers: &headers,
            body: body.as_deref(),
            deadline,
        };
        let answer = send(&hop)?;
        let location = match answer.status {
            301 | 302 | 303 | 307 | 308 if redirects > 0 => header(&answer.headers, "location"),
            _ => None,
        };
        let Some(location) = location else {
            let body = Body::new(answer.body, max_body, &answer.headers, hop.to_string());
            return Ok(Response::received(
                method,
                url,
                answer.status,
                answer.headers,
                body,
            ));
        };
        if followed == redirects {
            return Err(ToolError::network(format!(
                "{hop} redirects again, which is once more than is followed ({redirects})"
            )));
        }
        followed += 1;
        let next = target(&hop, location)?;
        let becomes_get = match answer.status {
            303 => method != "HEAD",
            301 | 302 => method == "POST",
            _ => false,
        };
        if becomes_get {
            method = "GET".to_owned();
            body = None;
            headers.retain(|(name, _)| !name.to_ascii_lowercase().starts_with("content-"));
        }
        if !next.same_origin(&url) {
            const OF_ONE_ORIGIN: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];
            headers
                .retain(|(name, _)| !OF_ONE_ORIGIN.contains(&name.to_ascii_lowercase().as_str()));
        }
        url = next;
    }
}

/// Where a redirect leads.
fn target(hop: &Hop<'_>, location: &str) -> Result<Url, ToolError> {
    let mut next = hop.url.join(location).map_err(|error| {
        ToolError::network(format!("{hop} redirects to where nothing can be: {error}"))
    })?;
    if (hop.url.scheme(), next.scheme()) == (Scheme::Https, Scheme::Http) {
        return Err(ToolError::network(format!(
            "{hop} redirects to {}, which is not followed: it leads from https to http",
            next.for_errors()
        )));
    }
    next.inherit_fragment(hop.url);
    Ok(next)
}

/// Many servers refuse who does not say what it is, and nothing here could decompress an answer.
fn add_defaults(headers: &mut Vec<(String, String)>) {
    const DEFAULTS: [(&str, &str); 3] = [
        (
            "user-agent",
            concat!("toolbay-sdk/", env!("CARGO_PKG_VERSION")),
        ),
        ("accept", "*/*"),
        ("accept-encoding", "identity"),
    ];
    for (name, value) in DEFAULTS {
        if header(headers, name).is_none() {
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
}

/// The first header of this name.
pub(super) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::http;

    /// Sends a request to servers that answer one after the other, and writes down what each was asked and how it ended.
    fn story(request: Request, answers: &[(u16, &str)]) -> String {
        let mut answers: VecDeque<_> = answers.iter().copied().collect();
        let mut story = String::new();
        let result = follow(request, &mut |hop| {
            let headers: Vec<_> = hop
                .headers
                .iter()
                .filter(|(name, _)| {
                    !["user-agent", "accept", "accept-encoding"].contains(&name.as_str())
                })
                .map(|(name, value)| format!(" {name}={value}"))
                .collect();
            let body = hop
                .body
                .map(|body| format!(" {:?}", String::from_utf8_lossy(body)));
            story += &format!(
                "{} {}{}{}\n",
                hop.method,
                hop.url,
                headers.concat(),
                body.unwrap_or_default()
            );
            let (status, location) = answers.pop_front().unwrap();
            let location =
                (!location.is_empty()).then(|| ("Location".to_owned(), location.to_owned()));
            Ok(Answer {
                status,
                headers: location.into_iter().collect(),
                body: Box::new(std::io::empty()),
            })
        });
        assert_eq!(answers.len(), 0, "not all answers were asked for");
        story
            + &match result {
                Ok(response) => format!("{} from {}", response.status(), response.url()),
                Err(error) => format!("{}: {}", error.code(), error.message()),
            }
    }

    #[test]
    fn redirects_are_followed_and_the_method_changes_as_browsers_change_it() {
        let post = || http::post("https://a.test/x#top").json(&1);
        insta::assert_snapshot!(story(post(), &[(303, "/y"), (200, "")]), @r#"
        POST https://a.test/x#top Content-Type=application/json "1"
        GET https://a.test/y#top
        200 from https://a.test/y#top
        "#);
        insta::assert_snapshot!(story(post(), &[(302, "y?z"), (307, "#new"), (404, "")]), @r#"
        POST https://a.test/x#top Content-Type=application/json "1"
        GET https://a.test/y?z#top
        GET https://a.test/y?z#new
        404 from https://a.test/y?z#new
        "#);
        insta::assert_snapshot!(story(post(), &[(308, "y"), (301, "z"), (200, "")]), @r#"
        POST https://a.test/x#top Content-Type=application/json "1"
        POST https://a.test/y#top Content-Type=application/json "1"
        GET https://a.test/z#top
        200 from https://a.test/z#top
        "#);
        insta::assert_snapshot!(story(http::head("http://a.test/"), &[(303, "https://a.test/"), (200, "")]), @r"
        HEAD http://a.test/
        HEAD https://a.test/
        200 from https://a.test/
        ");
        insta::assert_snapshot!(story(http::put("http://a.test/").body("b"), &[(301, "/c"), (200, "")]), @r#"
        PUT http://a.test/ "b"
        PUT http://a.test/c "b"
        200 from http://a.test/c
        "#);
    }

    #[test]
    fn what_proves_identity_stays_with_its_origin() {
        let request = || {
            http::get("https://a.test/")
                .header("Authorization", "Bearer x")
                .header("Cookie", "y")
                .header("X-Other", "z")
        };
        insta::assert_snapshot!(story(request(), &[(302, "/b"), (302, "https://a.test:8443/"), (302, "https://a.test/"), (200, "")]), @r"
        GET https://a.test/ Authorization=Bearer x Cookie=y X-Other=z
        GET https://a.test/b Authorization=Bearer x Cookie=y X-Other=z
        GET https://a.test:8443/ X-Other=z
        GET https://a.test/ X-Other=z
        200 from https://a.test/
        ");
        insta::assert_snapshot!(story(request(), &[(302, "https://A.test:443/c"), (200, "")]), @r"
        GET https://a.test/ Authorization=Bearer x Cookie=y X-Other=z
        GET https://a.test/c Authorization=Bearer x Cookie=y X-Other=z
        200 from https://a.test/c
        ");
    }

    #[test]
    fn redirects_that_are_not_followed_say_why() {
        let get = || http::get("https://a.test/");
        insta::assert_snapshot!(story(get(), &[(302, "http://a.test/?k=v")]), @r"
        GET https://a.test/
        network_error: GET https://a.test/ redirects to http://a.test/, which is not followed: it leads from https to http
        ");
        insta::assert_snapshot!(story(get(), &[(302, "file:///etc/passwd")]), @r"
        GET https://a.test/
        network_error: GET https://a.test/ redirects to where nothing can be: `file:///etc/passwd` cannot be requested: it does not begin with `https://` or `http://`
        ");
        insta::assert_snapshot!(story(get(), &[(302, "https://u@b.test/")]), @r"
        GET https://a.test/
        network_error: GET https://a.test/ redirects to where nothing can be: `https://u@b.test/` cannot be requested: there is a user name in it (`user@host`), which is never sent
        ");
        insta::assert_snapshot!(story(get().redirects(1), &[(302, "/1"), (302, "/2")]), @r"
        GET https://a.test/
        GET https://a.test/1
        network_error: GET https://a.test/1 redirects again, which is once more than is followed (1)
        ");
        insta::assert_snapshot!(story(get().redirects(0), &[(302, "/1")]), @r"
        GET https://a.test/
        302 from https://a.test/
        ");
        insta::assert_snapshot!(story(get(), &[(302, "")]), @r"
        GET https://a.test/
        302 from https://a.test/
        ");
        insta::assert_snapshot!(story(get(), &[(304, "/1")]), @r"
        GET https://a.test/
        304 from https://a.test/
        ");
    }

    #[test]
    fn redirects_get_no_more_time() {
        let mut deadlines = Vec::new();
        let _ = follow(http::get("https://a.test/"), &mut |hop| {
            deadlines.push(hop.deadline);
            Ok(Answer {
                status: 302,
                headers: vec![("location".to_owned(), "/".to_owned())],
                body: Box::new(std::io::empty()),
            })
        });
        assert_eq!(deadlines.len(), 6);
        assert!(deadlines.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn defaults_are_sent_unless_the_author_says_otherwise() {
        let mut sent = Vec::new();
        let request = http::get("https://a.test/").header("User-Agent", "mine");
        let _ = follow(request, &mut |hop| {
            sent = hop.headers.to_vec();
            Err(ToolError::network("nobody is there"))
        });
        let sent: Vec<_> = sent
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        assert_eq!(
            sent,
            [
                "User-Agent: mine",
                "accept: */*",
                "accept-encoding: identity"
            ]
        );
    }
}
