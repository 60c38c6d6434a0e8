//! A conversation with a host in one of the protocol's two eras.

use serde_json::{Value, json};

use super::{Folder, Host, Start, Wire};

/// How a client speaks: with a handshake, in the revision that it asks for, or without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Era {
    Legacy(&'static str),
    Modern,
}

impl Era {
    pub(crate) const LEGACY: Self = Self::Legacy("2025-11-25");
    pub(crate) const BOTH: [Self; 2] = [Self::LEGACY, Self::Modern];
}

/// Runs a test in both eras over both wires, each with a host of its own on the same folder.
pub(crate) fn everywhere(folder: &Folder, test: impl Fn(&mut Session)) {
    for wire in Wire::ALL {
        for era in Era::BOTH {
            // Shown only where the test fails: which of the four it was.
            eprintln!("--- {era:?} over {wire:?}");
            let mut session = Session::open(Start::new(folder).wire(wire).start(), era);
            test(&mut session);
            assert!(
                session.host.is_running(),
                "the host has ended in the middle of the session"
            );
        }
    }
}

/// A host and a client's side of the conversation with it.
pub(crate) struct Session {
    pub(crate) host: Host,
    pub(crate) era: Era,
    last_id: u64,
}

impl Session {
    /// Shakes hands where the era asks for it.
    pub(crate) fn open(host: Host, era: Era) -> Self {
        let mut session = Self::without_handshake(host, era);
        if let Era::Legacy(revision) = era {
            let result = session.result("initialize", initialize_params(revision));
            assert_eq!(result["protocolVersion"], revision);
            session.notify("notifications/initialized", json!({}));
        }
        session
    }

    /// For tests of the handshake itself.
    pub(crate) fn without_handshake(host: Host, era: Era) -> Self {
        Self {
            host,
            era,
            last_id: 0,
        }
    }

    pub(crate) fn legacy(folder: &Folder) -> Self {
        Self::open(Start::new(folder).start(), Era::LEGACY)
    }

    pub(crate) fn modern(folder: &Folder) -> Self {
        Self::open(Start::new(folder).start(), Era::Modern)
    }

    /// A message for a request that has not been sent yet, with what the era asks for in `_meta`.
    pub(crate) fn compose(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        json!({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": self.with_meta(params)})
    }

    /// Sends a request and gives its id.
    pub(crate) fn start(&mut self, method: &str, params: Value) -> Value {
        let message = self.compose(method, params);
        self.host.send(&message);
        message["id"].clone()
    }

    pub(crate) fn start_call(&mut self, tool: &str, arguments: Value) -> Value {
        self.start("tools/call", json!({"name": tool, "arguments": arguments}))
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        self.host
            .send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    pub(crate) fn cancel(&mut self, id: &Value) {
        self.notify(
            "notifications/cancelled",
            json!({"requestId": id, "reason": "the user changed their mind"}),
        );
    }

    /// Sends a request and waits for its answer, whatever that is.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.start(method, params);
        self.host.answer(&id)
    }

    /// The result of a request that must succeed.
    pub(crate) fn result(&mut self, method: &str, params: Value) -> Value {
        let mut answer = self.request(method, params);
        assert!(answer.get("result").is_some(), "{method} failed: {answer}");
        answer["result"].take()
    }

    /// The error of a request that must fail.
    pub(crate) fn error(&mut self, method: &str, params: Value) -> Value {
        let mut answer = self.request(method, params);
        assert!(
            answer.get("error").is_some(),
            "{method} did not fail: {answer}"
        );
        answer["error"].take()
    }

    /// The result of a call, be it good or an error of the tool.
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.result("tools/call", json!({"name": tool, "arguments": arguments}))
    }

    pub(crate) fn call_result(&mut self, id: &Value) -> Value {
        let mut answer = self.host.answer(id);
        assert!(answer.get("result").is_some(), "a call failed: {answer}");
        answer["result"].take()
    }

    /// All tools, page by page.
    pub(crate) fn list_tools(&mut self) -> Vec<Value> {
        let mut tools = Vec::new();
        let mut params = json!({});
        loop {
            let mut page = self.result("tools/list", params);
            tools.append(page["tools"].as_array_mut().expect("a list of tools"));
            match page["nextCursor"].take() {
                Value::Null => return tools,
                cursor => params = json!({"cursor": cursor}),
            }
        }
    }

    pub(crate) fn tool_names(&mut self) -> Vec<String> {
        let name = |tool: &Value| tool["name"].as_str().expect("a tool has a name").to_owned();
        self.list_tools().iter().map(name).collect()
    }

    /// Asks to be told of changes in the way of the era and gives the id of the subscription, if that has one.
    pub(crate) fn listen(&mut self) -> Option<Value> {
        if let Era::Legacy(_) = self.era {
            return None;
        }
        let id = self.start(
            "subscriptions/listen",
            json!({"notifications": {"toolsListChanged": true}}),
        );
        let acknowledged = self.host.wait_for("the acknowledgement", |message| {
            message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == id
        });
        assert_eq!(
            acknowledged["method"],
            "notifications/subscriptions/acknowledged"
        );
        assert_eq!(
            acknowledged["params"]["notifications"],
            json!({"toolsListChanged": true})
        );
        Some(id)
    }

    /// Waits for the notice that the list of tools has changed.
    pub(crate) fn wait_for_change(&mut self) -> Value {
        self.host
            .wait_for("the notice of a changed list", |message| {
                message["method"] == "notifications/tools/list_changed"
            })
    }

    /// Waits for a log message and gives its parameters.
    pub(crate) fn wait_for_log(&mut self) -> Value {
        let message = self.host.wait_for("a log message", |message| {
            message["method"] == "notifications/message"
        });
        message["params"].clone()
    }

    /// Asks again and again until the answer is as wanted: for changes that are not announced.
    pub(crate) fn call_until(
        &mut self,
        tool: &str,
        arguments: &Value,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        let deadline = std::time::Instant::now() + super::PATIENCE;
        loop {
            let result = self.call(tool, arguments.clone());
            if wanted(&result) {
                return result;
            }
            assert!(
                std::time::Instant::now() < deadline,
                "{tool} still answers {result}"
            );
        }
    }

    /// Waits until the host holds no more memory than this, and gives what it holds: it tidies up after guests when their
    /// answers are out.
    pub(crate) fn wait_for_memory(&mut self, limit: u64) -> u64 {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        loop {
            let memory = self.host.memory();
            if memory <= limit {
                return memory;
            }
            let (limit, memory) = (limit >> 20, memory >> 20);
            assert!(
                std::time::Instant::now() < deadline,
                "the host still holds {memory} MiB, more than {limit} MiB"
            );
            self.list_tools();
        }
    }

    /// The least that the process comes to within two seconds: what it is only just clearing away does not count. Nothing is
    /// asked of the host meanwhile.
    pub(crate) fn least_resident(&self) -> u64 {
        let end = std::time::Instant::now() + std::time::Duration::from_secs(2);
        let mut least = self.host.resident();
        while std::time::Instant::now() < end {
            std::thread::sleep(std::time::Duration::from_millis(20));
            least = least.min(self.host.resident());
        }
        least
    }

    /// Waits until the process is no larger than this, and gives its size. Nothing is asked of the host meanwhile.
    pub(crate) fn wait_for_resident(&self, limit: u64, patience: std::time::Duration) -> u64 {
        let deadline = std::time::Instant::now() + patience;
        loop {
            let resident = self.host.resident();
            if resident <= limit {
                return resident;
            }
            let (limit, resident) = (limit >> 10, resident >> 10);
            assert!(
                std::time::Instant::now() < deadline,
                "the host is still {resident} KiB large, more than {limit} KiB"
            );
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// Waits until everything that was sent before has been looked at, fails if an answer to one of `silent` came, and gives
    /// whatever else nobody has waited for.
    pub(crate) fn settle(&mut self, silent: &[&Value]) -> Vec<Value> {
        self.list_tools();
        let left_over = self.host.left_over();
        for message in &left_over {
            let answers =
                message.get("method").is_none() && silent.iter().any(|id| message["id"] == **id);
            assert!(!answers, "there must be no answer to this: {message}");
        }
        left_over
    }

    fn with_meta(&self, mut params: Value) -> Value {
        if self.era == Era::Modern {
            let members = params.as_object_mut().expect("parameters are an object");
            let meta = members.entry("_meta").or_insert_with(|| json!({}));
            for (name, value) in modern_meta() {
                let key = format!("io.modelcontextprotocol/{name}");
                meta.as_object_mut()
                    .expect("_meta is an object")
                    .entry(key)
                    .or_insert(value);
            }
        }
        params
    }
}

/// What a client of the modern era says about itself in each request.
pub(crate) fn modern_meta() -> [(&'static str, Value); 3] {
    [
        ("protocolVersion", json!("2026-07-28")),
        ("clientCapabilities", json!({})),
        (
            "clientInfo",
            json!({"name": "toolbay-tests", "version": "1"}),
        ),
    ]
}

/// What a client of the legacy era says about itself when it shakes hands.
pub(crate) fn initialize_params(revision: &str) -> Value {
    json!({
        "protocolVersion": revision,
        "capabilities": {},
        "clientInfo": {"name": "toolbay-tests", "version": "1"},
    })
}

/// The first block's text of a result.
pub(crate) fn first_text(result: &Value) -> &str {
    result["content"][0]["text"]
        .as_str()
        .unwrap_or_else(|| panic!("no text first in {result}"))
}

/// Checks the form that every error of a tool has and gives its code and its sentence.
pub(crate) fn tool_error(result: &Value) -> (String, String) {
    assert_eq!(result["isError"], true, "not an error: {result}");
    assert!(
        result.get("structuredContent").is_none(),
        "an error must have no structured content: {result}"
    );
    let sentence = first_text(result);
    let second = result["content"][1]["text"]
        .as_str()
        .unwrap_or_else(|| panic!("no second text in {result}"));
    let object: Value =
        serde_json::from_str(second).unwrap_or_else(|error| panic!("{error}: {second}"));
    assert_eq!(
        object, result["_meta"]["toolbay/error"],
        "the text and _meta say different things"
    );
    assert_eq!(object["success"], false);
    let code = object["error_code"]
        .as_str()
        .expect("an error has a code")
        .to_owned();
    const CODES: [&str; 11] = [
        "validation_error",
        "not_found",
        "permission_denied",
        "rate_limited",
        "network_error",
        "timeout",
        "conflict",
        "cancelled",
        "limit_exceeded",
        "unavailable",
        "internal",
    ];
    assert!(CODES.contains(&code.as_str()), "{code} is no code");
    assert!(
        !sentence.is_empty() && object["error"].is_string(),
        "an error says what is wrong: {result}"
    );
    (code, sentence.to_owned())
}
