//! The nearest word to one that is not known.

/// The candidate that was probably meant by `typed`: at most a third of its letters differ. `tokn` means `token`.
pub(super) fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase().replace('-', "_");
    let allowed = (typed.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| {
            let folded = candidate.to_lowercase().replace('-', "_");
            (strsim::damerau_levenshtein(&typed, &folded), candidate)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// What to say of a word that is not known: the nearest one, or all of them.
pub(super) fn help<'a>(typed: &str, what: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    if let Some(near) = nearest(typed, candidates.iter().copied()) {
        return Some(format!("did you mean `{near}`?"));
    }
    if candidates.is_empty() {
        return None;
    }
    let list: Vec<String> = candidates.iter().map(|candidate| format!("`{candidate}`")).collect();
    Some(format!("{what}: {}", list.join(", ")))
}

/// How many words are listed: more would not be read.
const MOST: usize = 10;

/// The same at the end of a sentence: `; did you mean token?`, or `; known keys: a, b`.
#[must_use]
pub fn suggest<'a>(typed: &str, what: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let mut candidates: Vec<&str> = candidates.into_iter().collect();
    candidates.dedup();
    if let Some(near) = nearest(typed, candidates.iter().copied()) {
        return format!("; did you mean {near}?");
    }
    let more = if candidates.len() > MOST { ", …" } else { "" };
    candidates.truncate(MOST);
    if candidates.is_empty() { String::new() } else { format!("; {what}: {}{more}", candidates.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_word() {
        let words = ["token", "username", "names_per_request"];
        assert_eq!(nearest("tokn", words), Some("token"));
        assert_eq!(nearest("USER-NAME", words), Some("username"));
        assert_eq!(nearest("user_nmae", words), Some("username"));
        assert_eq!(nearest("names-per-request", words), Some("names_per_request"));
        assert_eq!(nearest("colour", words), None);
        assert_eq!(nearest("", words), None);
    }

    #[test]
    fn without_a_near_word_all_are_listed() {
        assert_eq!(help("tokn", "known keys", ["token"]), Some("did you mean `token`?".into()));
        assert_eq!(help("colour", "known keys", ["a", "token"]), Some("known keys: `a`, `token`".into()));
        assert_eq!(help("colour", "known keys", []), None);
        assert_eq!(suggest("tokn", "known keys", ["token"]), "; did you mean token?");
        assert_eq!(suggest("colour", "known keys", ["a", "a", "token"]), "; known keys: a, token");
        assert_eq!(suggest("colour", "known keys", []), "");
        assert!(suggest("colour", "known keys", ["a", "b"].repeat(6)).ends_with("a, b, …"));
    }
}
