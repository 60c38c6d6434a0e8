//! Which HTTP stream a message of the host goes onto. No I/O: what was asked goes in, what is said comes out at the right receiver.
//!
//! On pipes all messages share one line; on HTTP each belongs to a request's own stream or to the one that a client opened for the rest. The modern era
//! shares one process between clients that number their requests alike, so there the bridge gives ids and progress tokens of its own and takes them back.

use std::collections::VecDeque;

use serde_json::{Value, json};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// How many messages wait for a client that has not opened its stream yet.
const HELD: usize = 64;

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Era {
    /// With a handshake: a session, and a process for each.
    Legacy,
    /// Every request for itself.
    Modern,
}

pub(super) struct Routes {
    era: Era,
    last_id: u64,
    running: Vec<Running>,
    /// The stream of a session for what belongs to no request.
    standalone: Option<UnboundedSender<Value>>,
    held: VecDeque<Value>,
}

/// A request that the host has not answered.
struct Running {
    /// The id that the host knows it by, and the client's own.
    sent_id: Value,
    own_id: Value,
    /// The same of its progress token.
    token: Option<(Value, Value)>,
    listens: bool,
    stream: UnboundedSender<Value>,
}

impl Routes {
    pub(super) fn new(era: Era) -> Self {
        Self {
            era,
            last_id: 0,
            running: Vec::new(),
            standalone: None,
            held: VecDeque::new(),
        }
    }

    /// Notes a request that is about to be sent, changed to the bridge's own id where it needs one. What the host says about it comes out of the
    /// receiver, the answer last.
    pub(super) fn open(&mut self, request: &mut Value) -> (Value, UnboundedReceiver<Value>) {
        let own_id = request.get("id").cloned().unwrap_or_default();
        let own_token = request.pointer("/params/_meta/progressToken").cloned();
        let listens = request.get("method").and_then(Value::as_str) == Some("subscriptions/listen");
        let sent_id = match self.era {
            Era::Legacy => own_id.clone(),
            Era::Modern => {
                self.last_id += 1;
                json!(self.last_id)
            }
        };
        let token = own_token.map(|own| match self.era {
            Era::Legacy => (own.clone(), own),
            Era::Modern => (sent_id.clone(), own),
        });
        replace(request, "/id", &sent_id);
        if let Some((sent, _)) = &token {
            replace(request, "/params/_meta/progressToken", sent);
        }
        let (stream, said) = mpsc::unbounded_channel();
        self.running.push(Running {
            sent_id: sent_id.clone(),
            own_id,
            token,
            listens,
            stream,
        });
        (sent_id, said)
    }

    /// Drops a request whose client has gone; says whether it was still running.
    pub(super) fn forget(&mut self, sent_id: &Value) -> bool {
        let before = self.running.len();
        self.running.retain(|running| running.sent_id != *sent_id);
        self.running.len() < before
    }

    /// Opens the stream for what belongs to no request, unless a client has it open.
    pub(super) fn listen(&mut self) -> Option<UnboundedReceiver<Value>> {
        if self
            .standalone
            .as_ref()
            .is_some_and(|stream| !stream.is_closed())
        {
            return None;
        }
        let (stream, said) = mpsc::unbounded_channel();
        for message in self.held.drain(..) {
            // The receiver is in hand.
            let _ = stream.send(message);
        }
        self.standalone = Some(stream);
        Some(said)
    }

    /// Ends every stream: the host is gone.
    pub(super) fn close(&mut self) {
        self.running.clear();
        self.standalone = None;
    }

    /// Puts what the host said where it belongs. Gives it back where it belongs nowhere.
    pub(super) fn route(&mut self, mut message: Value) -> Result<(), Value> {
        let Some(method) = message
            .get("method")
            .and_then(Value::as_str)
            .map(str::to_owned)
        else {
            return self.answer(message);
        };
        if message.get("id").is_some() {
            return self.give_latest(message);
        }
        if method == "notifications/progress" {
            return self.progress(message);
        }
        let pointer = format!("/params/_meta/{}", SUBSCRIPTION.replace('/', "~1"));
        if let Some(subscription) = message.pointer(&pointer).cloned() {
            let Some(running) = self.running.iter().find(|one| one.sent_id == subscription) else {
                return Err(message);
            };
            replace(&mut message, &pointer, &running.own_id);
            return send(&running.stream, message);
        }
        if method == "notifications/message" {
            return self.give_latest(message);
        }
        match self.era {
            Era::Legacy => self.give_standalone(message),
            // One without the subscription's id is wrong; whoever listens may find that.
            Era::Modern => self.give_listeners(&message),
        }
    }

    fn answer(&mut self, mut message: Value) -> Result<(), Value> {
        let id = message.get("id").cloned().unwrap_or_default();
        let Some(place) = self.running.iter().position(|one| one.sent_id == id) else {
            return Err(message);
        };
        let running = self.running.remove(place);
        replace(&mut message, "/id", &running.own_id);
        // So does the answer that ends a subscription.
        let pointer = format!("/result/_meta/{}", SUBSCRIPTION.replace('/', "~1"));
        replace(&mut message, &pointer, &running.own_id);
        send(&running.stream, message)
    }

    fn progress(&self, mut message: Value) -> Result<(), Value> {
        let token = message
            .pointer("/params/progressToken")
            .cloned()
            .unwrap_or_default();
        for running in &self.running {
            if let Some((sent, own)) = &running.token
                && *sent == token
            {
                replace(&mut message, "/params/progressToken", own);
                return send(&running.stream, message);
            }
        }
        Err(message)
    }

    /// Requests and log messages say not which request they belong to: it is the latest that runs.
    fn give_latest(&mut self, message: Value) -> Result<(), Value> {
        match self.running.iter().rev().find(|running| !running.listens) {
            Some(running) => send(&running.stream, message),
            None if self.era == Era::Legacy => self.give_standalone(message),
            None => Err(message),
        }
    }

    fn give_standalone(&mut self, message: Value) -> Result<(), Value> {
        let message = match &self.standalone {
            Some(stream) => match send(stream, message) {
                Ok(()) => return Ok(()),
                Err(unsent) => unsent,
            },
            None => message,
        };
        if self.held.len() == HELD {
            return Err(message);
        }
        self.held.push_back(message);
        Ok(())
    }

    fn give_listeners(&self, message: &Value) -> Result<(), Value> {
        let mut result = Err(message.clone());
        for running in self.running.iter().filter(|running| running.listens) {
            if send(&running.stream, message.clone()).is_ok() {
                result = Ok(());
            }
        }
        result
    }
}

fn send(stream: &UnboundedSender<Value>, message: Value) -> Result<(), Value> {
    stream.send(message).map_err(|unsent| unsent.0)
}

/// Replaces what is there; adds nothing.
fn replace(message: &mut Value, pointer: &str, by: &Value) {
    if let Some(place) = message.pointer_mut(pointer) {
        *place = by.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: u64, token: &str) -> Value {
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": {"name": "t", "_meta": {"progressToken": token}}})
    }

    fn progress(token: Value) -> Value {
        json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": token, "progress": 1}})
    }

    fn all(said: &mut UnboundedReceiver<Value>) -> Vec<Value> {
        std::iter::from_fn(|| said.try_recv().ok()).collect()
    }

    #[test]
    fn modern_requests_with_one_id_and_one_token_are_kept_apart() {
        let mut routes = Routes::new(Era::Modern);
        let (mut first, mut second) = (call(1, "p"), call(1, "p"));
        let (first_id, mut first_said) = routes.open(&mut first);
        let (second_id, mut second_said) = routes.open(&mut second);
        assert_ne!(first_id, second_id);
        assert_ne!(first, second);
        assert_eq!(routes.route(progress(second_id.clone())), Ok(()));
        let answer = json!({"jsonrpc": "2.0", "id": second_id, "result": {}});
        assert_eq!(routes.route(answer), Ok(()));
        assert_eq!(all(&mut first_said), Vec::<Value>::new());
        assert_eq!(
            all(&mut second_said),
            [
                progress(json!("p")),
                json!({"jsonrpc": "2.0", "id": 1, "result": {}})
            ]
        );
        assert!(second_said.is_closed() && !first_said.is_closed());
        assert!(routes.forget(&first_id) && !routes.forget(&first_id));
    }

    #[test]
    fn a_subscription_gets_what_carries_its_id_as_the_client_wrote_it() {
        let mut routes = Routes::new(Era::Modern);
        let mut listen =
            json!({"jsonrpc": "2.0", "id": "l", "method": "subscriptions/listen", "params": {}});
        let (id, mut said) = routes.open(&mut listen);
        let (_, mut other) = routes.open(&mut call(7, "p"));
        let changed = |id: Value| json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed", "params": {"_meta": {SUBSCRIPTION: id}}});
        assert_eq!(routes.route(changed(id)), Ok(()));
        assert_eq!(routes.route(changed(json!(99))), Err(changed(json!(99))));
        // It was not said whose it is: whoever listens gets it as it is.
        let bare = json!({"jsonrpc": "2.0", "method": "notifications/prompts/list_changed"});
        assert_eq!(routes.route(bare.clone()), Ok(()));
        assert_eq!(all(&mut said), [changed(json!("l")), bare]);
        assert_eq!(all(&mut other), Vec::<Value>::new());
    }

    #[test]
    fn a_legacy_request_of_the_host_goes_onto_the_latest_stream_and_the_rest_waits_for_a_listener()
    {
        let mut routes = Routes::new(Era::Legacy);
        let asked = json!({"jsonrpc": "2.0", "id": 3, "method": "elicitation/create"});
        let changed = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
        let mut request = call(5, "p");
        let (id, mut said) = routes.open(&mut request);
        assert_eq!((id, &request), (json!(5), &call(5, "p")));
        assert_eq!(routes.route(asked.clone()), Ok(()));
        assert_eq!(routes.route(changed.clone()), Ok(()));
        assert_eq!(routes.route(progress(json!("p"))), Ok(()));
        assert_eq!(all(&mut said), [asked.clone(), progress(json!("p"))]);
        let mut standalone = routes.listen().unwrap();
        assert!(routes.listen().is_none(), "one at a time");
        assert_eq!(
            routes.route(json!({"jsonrpc": "2.0", "id": 5, "result": {}})),
            Ok(())
        );
        assert_eq!(routes.route(asked.clone()), Ok(()));
        assert_eq!(all(&mut standalone), [changed, asked]);
    }
}
