//! Lists as one types them.

use std::{fmt::Display, str::FromStr};

use crate::sweep::grid::MAX_RUNS;

/// A list in a text field.
pub struct Typed<T> {
    pub text: String,
    /// What was meant last.
    pub values: Vec<T>,
    /// Why the text is no list, as one sentence.
    pub wrong: Option<String>,
}

impl<T> Typed<T> {
    /// Takes over a list, told by `show`.
    pub fn new(values: Vec<T>, show: impl Fn(&[T]) -> String) -> Self {
        Self {
            text: show(&values),
            values,
            wrong: None,
        }
    }

    /// Reads the text anew.
    pub fn read(&mut self, parse: impl Fn(&str) -> Result<Vec<T>, String>) {
        match parse(&self.text) {
            Ok(values) => (self.values, self.wrong) = (values, None),
            Err(wrong) => self.wrong = Some(wrong),
        }
    }
}

/// A list as one types it.
pub fn show<T: Display>(values: &[T]) -> String {
    let texts: Vec<String> = values.iter().map(T::to_string).collect();
    texts.join(", ")
}

/// Whole numbers with commas or spaces between them, and ranges first:last; of each a `T`, none twice.
///
/// # Errors
/// One sentence, when a part is none of these, stands twice, or there are too many or none.
pub fn parse<T: FromStr<Err = impl Display> + PartialEq>(text: &str) -> Result<Vec<T>, String> {
    let mut values: Vec<T> = Vec::new();
    let separators = [',', ';', ' ', '\t', '\n'];
    for part in text.split(separators).filter(|part| !part.is_empty()) {
        let numbers = match part.split_once(':') {
            None => vec![part.to_owned()],
            Some((first, last)) => range(first, last)
                .ok_or_else(|| format!("“{part}” is not a range: write first:last, such as 1:5"))?,
        };
        for number in numbers {
            let value: T = number
                .parse()
                .map_err(|error| format!("“{number}” does not fit here: {error}"))?;
            if values.contains(&value) {
                return Err(format!("{number} stands there twice"));
            }
            values.push(value);
        }
        if values.len() > MAX_RUNS {
            return Err(format!("there may be {MAX_RUNS} numbers at most"));
        }
    }
    if values.is_empty() {
        return Err("at least one number is needed".to_owned());
    }
    Ok(values)
}

/// Every number of a range, unless it is too long.
fn range(first: &str, last: &str) -> Option<Vec<String>> {
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let count = last.checked_sub(first)?;
    (count < MAX_RUNS as u64).then(|| (first..=last).map(|number| number.to_string()).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::LatentSize;

    #[test]
    fn lists_are_read_or_refused_in_a_sentence() {
        assert_eq!(parse::<u64>("1, 2;5:7 9"), Ok(vec![1, 2, 5, 6, 7, 9]));
        assert_eq!(parse::<u64>(&format!("{}", u64::MAX)), Ok(vec![u64::MAX]));
        for (text, part) in [
            ("", "at least one"),
            ("1, 1", "1 stands there twice"),
            ("x", "“x” does not fit here"),
            ("5:1", "“5:1” is not a range"),
            ("0:99999999999", "is not a range"),
            ("-1", "“-1” does not fit here"),
        ] {
            let wrong = parse::<u64>(text).unwrap_err();
            assert!(wrong.contains(part), "{wrong}");
        }
        assert!(parse::<LatentSize>("2000").is_err());
    }

    proptest! {
        #[test]
        fn a_list_comes_back_from_its_text(seeds in proptest::collection::hash_set(any::<u64>(), 1..30)) {
            let seeds: Vec<u64> = seeds.into_iter().collect();
            prop_assert_eq!(parse(&show(&seeds)), Ok(seeds));
        }

        #[test]
        fn no_text_is_too_much(text in "[0-9:, ]{0,40}") {
            let _ = parse::<u64>(&text);
        }
    }
}
