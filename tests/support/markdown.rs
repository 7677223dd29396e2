//! Code blocks and headings of a page, for the tests that hold it to what it says.

#![allow(dead_code, reason = "each program that includes this file uses a part of it")]

/// A block of code.
#[derive(Debug)]
pub struct Block {
    /// What stands behind the three backquotes.
    pub language: String,
    /// What is in it.
    pub text: String,
    /// Where it begins, for messages.
    pub line: usize,
}

/// The blocks of a page, in order.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut is_inside = false;
    for (at, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), is_inside) {
            (Some(language), false) => {
                found.push(Block { language: language.to_owned(), text: String::new(), line: at + 1 });
                is_inside = true;
            }
            (Some(_), true) => is_inside = false,
            (None, true) => {
                if let Some(block) = found.last_mut() {
                    block.text += line;
                    block.text.push('\n');
                }
            }
            (None, false) => {}
        }
    }
    assert!(!is_inside, "a block of code has no end");
    found
}

/// The texts of the blocks of a language.
pub fn of_language(page: &str, language: &str) -> Vec<String> {
    blocks(page).into_iter().filter(|block| block.language == language).map(|block| block.text).collect()
}

/// The variables of a block that sets them.
pub fn variables(text: &str) -> Vec<(String, String)> {
    text.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.into(), value.into())).collect()
}
