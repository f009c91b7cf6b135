//! The known word that a misspelt one was probably meant to be.
//! It only ever suggests: nothing is read under a name that was not written.

/// Characters of a word worth comparing; what is longer is no slip of the finger.
const COMPARED_CHARS_MAX: usize = 40;

/// The known word with the fewest changes from `word`, if these are few for its length.
pub(super) fn nearest(word: &str, known: &[&'static str]) -> Option<&'static str> {
    let word = word.to_lowercase();
    if word.chars().count() > COMPARED_CHARS_MAX {
        return None;
    }
    let scored = known.iter().map(|one| (distance(&word, one), *one));
    let (changes, one) = scored.min_by_key(|(changes, _)| *changes)?;
    (changes <= one.len().div_ceil(3)).then_some(one)
}

/// Insertions, deletions and replacements between two words (Levenshtein, one row at a time).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, one) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (place, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(one != *other);
            diagonal = row[place + 1];
            row[place + 1] = replaced.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_finds_none() {
        let known = ["start_time", "stock", "codes", "limit_per_user"];
        let table = [
            ("start_tiem", Some("start_time")),
            ("Stock", Some("stock")),
            ("code", Some("codes")),
            ("limit_per_users", Some("limit_per_user")),
            ("colour_of_the_door", None),
            ("", None),
        ];
        for (word, expected) in table {
            assert_eq!(nearest(word, &known), expected, "{word}");
        }
        assert_eq!(nearest(&"x".repeat(1_000_000), &known), None);
    }
}
