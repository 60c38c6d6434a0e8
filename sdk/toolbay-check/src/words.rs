//! English as far as lints need it: texts into words, words into stems, and what a text says about sizes. Nothing here understands anything; each
//! function errs on the side of finding nothing.

/// The words of a text or of a name, in lower case: `fetchJSON_url` is fetch, json, url.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let characters: Vec<char> = text.chars().collect();
    let mut before = ' ';
    for (index, character) in characters.iter().copied().enumerate() {
        let next = characters.get(index + 1).copied().unwrap_or(' ');
        let apostrophe =
            matches!(character, '\'' | '’') && before.is_alphabetic() && next.is_alphabetic();
        let begins = character.is_uppercase()
            && (before.is_lowercase() || (before.is_uppercase() && next.is_lowercase()));
        // E-mail is one word, as mail is.
        let glued = character == '-' && word.eq_ignore_ascii_case("e");
        if (begins || !(character.is_alphanumeric() || apostrophe)) && !glued && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if character.is_alphanumeric() || apostrophe {
            word.extend(character.to_lowercase());
        }
        before = character;
    }
    if !word.is_empty() {
        words.push(word);
    }
    // The possessive is no part of the word.
    words
        .into_iter()
        .map(|word| {
            word.split(['\'', '’'])
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

/// What is common to the forms of a word: create, creates, created and creating are all `creat`.
pub(crate) fn stem(word: &str) -> String {
    let cut = |end: &str, least: usize| word.strip_suffix(end).filter(|rest| rest.len() >= least);
    let mut stem = if let Some(rest) = cut("ies", 2) {
        format!("{rest}y")
    } else if let Some(rest) = cut("es", 3) {
        rest.to_owned()
    } else if let Some(rest) = cut("s", 2).filter(|rest| !rest.ends_with(['s', 'u', 'i'])) {
        rest.to_owned()
    } else if let Some(rest) = cut("ing", 3).or_else(|| cut("ed", 3)) {
        undoubled(rest)
    } else {
        word.to_owned()
    };
    if stem.len() > 3 && stem.ends_with('e') {
        stem.pop();
    }
    // Cancelling is spelled with two, and cancel with one.
    if stem.ends_with("ll") {
        stem.pop();
    }
    stem
}

/// `gett` and `runn` were doubled by their ending; `add` and `fill` are so by themselves.
fn undoubled(rest: &str) -> String {
    let mut letters = rest.chars().rev();
    match (letters.next(), letters.next()) {
        (Some(last), Some(before)) if last == before && "bgmnprt".contains(last) => {
            rest.strip_suffix(last).unwrap_or(rest).to_owned()
        }
        _ => rest.to_owned(),
    }
}

pub(crate) fn stems(text: &str) -> Vec<String> {
    words(text).iter().map(|word| stem(word)).collect()
}

/// Whether a word is in a list, whose words stand between spaces.
pub(crate) fn is_among(word: &str, list: &str) -> bool {
    list.split_whitespace().any(|listed| listed == word)
}

/// Whether a stem is that of a word in a list.
pub(crate) fn is_form_among(found: &str, list: &str) -> bool {
    list.split_whitespace().any(|listed| stem(listed) == found)
}

/// Words that carry no meaning of their own.
const FUNCTION_WORDS: &str = "a an the this that these those it its is are be been was were has have had do does can may will would should must and or not no of to in on \
    at by for from with without into as if so than then there you your i we our their them they which what who whose when where how all any some \
    each every one ones such also very just only via per about out up etc e g s more most other another us me my being";

/// Words that fit any tool and any argument: what is left without them says something. As stems.
const ANY_TOOL: &str = "use used using tool function method operation action task thing stuff data datum information info input output parameter param argument arg value result \
    respons request item object entity process handl manag perform execut run do mak work us help helper utility util allow enabl let provid \
    support giv given specify specific requir requested option optional necessary need want variou different certain relat relevant appropriat \
    useful various general main return get set tak call invok api endpoint servic server backend system feature functionality logic todo tbd \
    fixm xxx placeholder description describ desc docs documentation here write string text number integer int boolean bool array list str float \
    default content user model corresponding accord desir pass field properti property foo bar test exampl my new type thi job activity correct \
    proper simpl easily easy quickly powerful ";

/// The stems of a text that say something.
pub(crate) fn telling(text: &str) -> Vec<String> {
    let mut telling: Vec<String> = words(text)
        .iter()
        .filter(|word| !is_among(word, FUNCTION_WORDS))
        .map(|word| stem(word))
        .filter(|stem| !is_form_among(stem, ANY_TOOL))
        .collect();
    telling.sort();
    telling.dedup();
    telling
}

/// The text without what stands in parentheses, since that mostly is a type: "Project name (string, required)".
pub(crate) fn without_types(text: &str) -> String {
    let mut depth = 0usize;
    let outside = text.chars().filter(|character| {
        match character {
            '(' | '[' => depth += 1,
            ')' | ']' => {
                depth = depth.saturating_sub(1);
                return false;
            }
            _ => {}
        }
        depth == 0
    });
    outside.collect()
}

/// The first sentence.
pub(crate) fn first_sentence(text: &str) -> &str {
    let end = text
        .find(". ")
        .into_iter()
        .chain(text.find(".\n"))
        .chain(text.find("\n\n"))
        .min();
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_fall_into_words() {
        assert_eq!(
            words("fetchJSON_url2 the user's e-mail"),
            ["fetch", "json", "url2", "the", "user", "email"]
        );
        for forms in [
            &["create", "creates", "created", "creating"][..],
            &["search", "searches", "searching"],
            &["get", "gets", "getting"],
            &["copy", "copies", "copying"],
            &["note", "notes"],
            &["address", "addresses"],
            &["add", "adds", "adding"],
        ] {
            let stems: Vec<_> = forms.iter().map(|form| stem(form)).collect();
            assert!(stems.windows(2).all(|pair| pair[0] == pair[1]), "{stems:?}");
        }
    }
}
