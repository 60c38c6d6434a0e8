//! What lints look at: the manifest with its schemas taken apart, once for all of them.

use toolbay_manifest::{Manifest, Tool, ToolSettings};

use crate::finding::Owner;
use crate::schema::{self, Part};
use crate::verbs::{Effect, effect};
use crate::words::{is_among, words};

pub(crate) struct Subject<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) imports: &'a [String],
    pub(crate) tools: Vec<ToolView<'a>>,
    /// The tools, resources and prompts with what each asks for.
    pub(crate) askers: Vec<(Owner<'a>, &'a ToolSettings)>,
}

pub(crate) struct ToolView<'a> {
    pub(crate) name: &'a str,
    pub(crate) tool: &'a Tool,
    pub(crate) arguments: Vec<Part>,
    pub(crate) results: Vec<Part>,
}

impl<'a> Subject<'a> {
    pub(crate) fn new(manifest: &'a Manifest, imports: &'a [String]) -> Self {
        let view = |(name, tool): (&'a String, &'a Tool)| ToolView {
            name,
            tool,
            arguments: schema::parts(&tool.input_schema),
            results: tool
                .output_schema
                .as_ref()
                .map(schema::parts)
                .unwrap_or_default(),
        };
        Self {
            manifest,
            imports,
            tools: manifest.tools.iter().map(view).collect(),
            askers: askers(manifest),
        }
    }

    /// Whether the component imports an interface whose name begins so.
    pub(crate) fn imports(&self, start: &str) -> bool {
        self.imports.iter().any(|name| name.starts_with(start))
    }
}

fn askers(manifest: &Manifest) -> Vec<(Owner<'_>, &ToolSettings)> {
    let tools = manifest.tools.iter();
    let tools = tools.map(|(name, tool)| (Owner::Tool(name), &tool.settings));
    let resources = manifest.resources.iter();
    let resources = resources.map(|(name, one)| (Owner::Resource(name), &one.settings));
    let prompts = manifest.prompts.iter();
    let prompts = prompts.map(|(name, prompt)| (Owner::Prompt(name), &prompt.settings));
    tools.chain(resources).chain(prompts).collect()
}

impl ToolView<'_> {
    /// The arguments themselves, without what lies inside them.
    pub(crate) fn top_level(&self) -> impl Iterator<Item = &Part> {
        self.arguments
            .iter()
            .filter(|part| part.depth == 0 && !part.element)
    }

    /// The word that its description begins with, without "this tool", "use this to" and the like.
    pub(crate) fn first_word(&self) -> Option<String> {
        const LEAD: &str = "this tool the use used call it to lets you allows can a function that which will when plugin simply helps";
        let mut words = words(&self.tool.description).into_iter();
        words.by_ref().find(|word| !is_among(word, LEAD))
    }

    /// What it does by what it is called, or else by what its description begins with; nothing where the name says two things.
    pub(crate) fn said_effect(&self) -> Option<Effect> {
        let words = words(self.name);
        let described = self.first_word().and_then(|word| effect(&word));
        let named = match words.first() {
            Some(first) if is_among(first, "is has are can does exists") => Some(Effect::Read),
            Some(first) => effect(first),
            None => None,
        };
        if words.iter().skip(1).any(|word| is_among(word, "or and")) {
            return None;
        }
        match (named, described) {
            // `open_issues`, `new_articles`, `post`: that is no verb, if the description says that it looks.
            (Some(_), Some(Effect::Read)) => described,
            (Some(_), _) => named,
            // In `invoice_lookup` the verb comes last; in `todo_list` that is a noun, and then the description begins with something else.
            (None, None) if words.len() > 1 => words.last().and_then(|word| effect(word)),
            (None, _) => described,
        }
    }
}
