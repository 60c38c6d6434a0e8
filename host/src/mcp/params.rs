//! The parameters of the requests that guests answer.

use std::borrow::Cow;

use indexmap::IndexMap;
use rmcp::model::{ErrorData, RequestMetaObject};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::stdio::CallMethod;

/// What such a request carries. Each method needs some of it; a tool's arguments stay the text they came as.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Params<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    uri: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) arguments: Option<&'a RawValue>,
    #[serde(rename = "ref", default)]
    reference: Option<Reference>,
    #[serde(default)]
    argument: Option<Argument>,
    #[serde(default)]
    context: Option<Context>,
    #[serde(rename = "_meta", default)]
    pub(super) meta: Option<RequestMetaObject>,
    #[serde(borrow, default)]
    pub(super) request_state: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) input_responses: Option<Value>,
}

/// Whose argument is to be completed.
#[derive(Deserialize)]
#[serde(tag = "type")]
pub(super) enum Reference {
    #[serde(rename = "ref/prompt")]
    Prompt { name: String },
    #[serde(rename = "ref/resource")]
    Resource { uri: String },
}

/// The argument that is completed.
#[derive(Deserialize)]
pub(super) struct Argument {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Deserialize)]
struct Context {
    #[serde(default)]
    arguments: Option<IndexMap<String, String>>,
}

impl<'a> Params<'a> {
    pub(super) fn read(
        method: CallMethod,
        params: Option<&'a RawValue>,
    ) -> Result<Self, ErrorData> {
        let malformed = |why: String| malformed(method, &why);
        let text = params
            .map(RawValue::get)
            .ok_or_else(|| malformed("`params` is missing".into()))?;
        // A derived deserializer would take a list for the members in their order.
        if !text.starts_with('{') {
            return Err(malformed("`params` must be an object".into()));
        }
        let mut params: Self =
            serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
        // A client that sends null means that there are none.
        params.arguments = params
            .arguments
            .filter(|arguments| arguments.get() != "null");
        match params.arguments {
            Some(arguments) if !arguments.get().starts_with('{') => {
                Err(malformed("`arguments` must be an object".into()))
            }
            _ => Ok(params),
        }
    }

    /// The name of the tool or prompt, or the URI of the resource.
    pub(super) fn target(&self, method: CallMethod) -> Result<&str, ErrorData> {
        let (key, target) = match method {
            CallMethod::CallTool | CallMethod::GetPrompt => ("name", &self.name),
            CallMethod::ReadResource => ("uri", &self.uri),
            CallMethod::Complete => return Ok(""),
        };
        target
            .as_deref()
            .ok_or_else(|| malformed(method, &format!("`{key}` is missing")))
    }

    /// The JSON text of the arguments.
    pub(super) fn arguments_text(&self) -> &str {
        self.arguments.map_or("{}", RawValue::get)
    }

    /// A prompt's arguments, which are all texts.
    pub(super) fn prompt_arguments(&self) -> Result<IndexMap<String, String>, ErrorData> {
        serde_json::from_str(self.arguments_text()).map_err(|_| {
            malformed(
                CallMethod::GetPrompt,
                "the arguments of a prompt must all be strings",
            )
        })
    }

    /// What is completed, and with what settled already.
    pub(super) fn completion(
        &self,
    ) -> Result<(&Reference, &Argument, IndexMap<String, String>), ErrorData> {
        let missing = |key: &str| malformed(CallMethod::Complete, &format!("`{key}` is missing"));
        let reference = self.reference.as_ref().ok_or_else(|| missing("ref"))?;
        let argument = self.argument.as_ref().ok_or_else(|| missing("argument"))?;
        let settled = self
            .context
            .as_ref()
            .and_then(|context| context.arguments.clone());
        Ok((reference, argument, settled.unwrap_or_default()))
    }
}

fn malformed(method: CallMethod, why: &str) -> ErrorData {
    ErrorData::invalid_params(
        format!(
            "the parameters of `{}` are malformed: {why}",
            method.as_str()
        ),
        None,
    )
}
