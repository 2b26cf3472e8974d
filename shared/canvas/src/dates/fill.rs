//! CLDR's patterns as text: their fields are replaced, and a range has two halves.

/// The greatest field in which two days differ, in the language's calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Differ {
    Nothing,
    Day,
    Month,
    Year,
}

/// The fields and the literals of a pattern: `d`, ` 'de' `, `MMMM` of `d 'de' MMMM`.
fn tokens(pattern: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let (mut begin, mut quoted) = (0, false);
    let mut before = None;
    for (index, c) in pattern.char_indices() {
        quoted ^= c == '\'';
        // The letter of a field; a literal has none.
        let letter = (!quoted && c.is_ascii_alphabetic()).then_some(c);
        if before.is_some_and(|before| before != letter) {
            tokens.push(&pattern[begin..index]);
            begin = index;
        }
        before = Some(letter);
    }
    tokens.push(&pattern[begin..]);
    tokens
}

/// The letter of a field; `None` for a literal.
fn letter(token: &str) -> Option<char> {
    token.chars().next().filter(char::is_ascii_alphabetic)
}

fn literal(token: &str) -> String {
    token.replace('\'', "")
}

/// The two halves of a range, and what stands between them: `d MMMM`, ` – ` and `d MMMM y` of
/// `d MMMM – d MMMM y`. The second half begins at the first field that is there a second time. A
/// pattern without one is its own first half.
pub(super) fn halves(pattern: &str) -> (String, String, String) {
    let tokens = tokens(pattern);
    let mut seen = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let Some(letter) = letter(token) else {
            continue;
        };
        if index > 0 && seen.contains(&letter) {
            let [first, last] = [&tokens[..index - 1], &tokens[index..]];
            return (first.concat(), literal(tokens[index - 1]), last.concat());
        }
        seen.push(letter);
    }
    (pattern.to_owned(), String::new(), String::new())
}

/// `pattern` with each field as `field` writes it.
pub(super) fn fill(pattern: &str, field: impl Fn(char) -> String) -> String {
    tokens(pattern)
        .into_iter()
        .map(|token| letter(token).map_or_else(|| literal(token), &field))
        .collect()
}

/// `range` if its fields are those of the language's own date, `date`, in the same order; else a
/// range made from `date`. `days` and `to` say what stands between two days, and between two dates.
///
/// CLDR inherits ranges that a language does not have, and their order may be another one than that
/// of the language: its Hausa is `14 Faburairu, 2026`, but `2026 Faburairu 14–16`.
pub(super) fn range(range: &str, date: &str, differ: Differ, days: &str, to: &str) -> String {
    let made = made(date, differ, days, to);
    // Whether a month has its name is a part of the order: `14. února`, not `14. 2.`.
    let fields = |pattern: &str| -> Vec<(char, bool)> {
        tokens(pattern)
            .into_iter()
            .filter_map(|token| match letter(token)? {
                'M' | 'L' => Some(('M', token.len() > 2)),
                letter => Some((letter, false)),
            })
            .collect()
    };
    if fields(range) == fields(&made) {
        range.to_owned()
    } else {
        made
    }
}

/// `pattern` without a field, and without what stands between it and the next one, or else the one
/// before it.
pub(super) fn without(pattern: &str, field: char) -> String {
    let mut tokens = tokens(pattern);
    if let Some(at) = tokens.iter().position(|token| letter(token) == Some(field)) {
        tokens.remove(at);
        let between = tokens.get(at).is_some_and(|next| letter(next).is_none());
        if between {
            tokens.remove(at);
        } else if at == tokens.len() && at > 0 {
            tokens.remove(at - 1);
        }
    }
    tokens.concat()
}

/// `month` (a month and a year), or the language's own date, `date`, without its day, if only the
/// former begins with the year. CLDR inherits this order too: its Persian is `25 Bahman 1404`, but
/// `1404 Bahman`.
pub(super) fn month_and_year(month: &str, date: &str) -> String {
    let begins_with_year = |pattern: &str| {
        let mut fields = tokens(pattern).into_iter().filter_map(letter);
        fields
            .find(|field| matches!(field, 'M' | 'L' | 'y' | 'r' | 'U'))
            .is_some_and(|field| !matches!(field, 'M' | 'L'))
    };
    if begins_with_year(month) && !begins_with_year(date) {
        without(date, 'd')
    } else {
        month.to_owned()
    }
}

fn made(date: &str, differ: Differ, days: &str, to: &str) -> String {
    // An era goes with its year.
    let date = without(date, 'G');
    let mut tokens = tokens(&date);
    let place = |wanted: &[char]| {
        tokens
            .iter()
            .position(|token| letter(token).is_some_and(|letter| wanted.contains(&letter)))
            .unwrap_or_default()
    };
    let (day, month) = (place(&['d']), place(&['M', 'L']));
    let (first, after) = (day.min(month), day.max(month) + 1);
    match differ {
        Differ::Nothing => tokens.concat(),
        Differ::Day => {
            let both = format!("d{}d", halves(days).1);
            tokens[day] = &both;
            tokens.concat()
        }
        Differ::Month => {
            let rest = tokens[after..].concat();
            // An ending of the second field is written twice too: the ی of dی MMMMی y.
            let end = rest
                .find(|c: char| c.is_whitespace() || ",،፣'".contains(c) || c.is_ascii_alphabetic());
            let (ending, rest) = rest.split_at(end.unwrap_or(rest.len()));
            let both = tokens[first..after].concat() + ending;
            format!("{}{both}{to}{both}{rest}", tokens[..first].concat())
        }
        Differ::Year => {
            let date = tokens.concat();
            format!("{date}{to}{date}")
        }
    }
}

/// `text` with no-break spaces.
pub(super) fn unbroken(text: &str) -> String {
    text.split(char::is_whitespace)
        .collect::<Vec<_>>()
        .join("\u{a0}")
}

/// Two halves with `between` in the middle. A line may break before the second half if `between`
/// ends with a space, and nowhere else.
pub(super) fn joined(first: &str, between: &str, second: &str) -> String {
    let (first, second) = (unbroken(first), unbroken(second));
    match between.strip_suffix(char::is_whitespace) {
        Some(dash) => format!("{first}{} {second}", unbroken(dash)),
        None => format!("{first}{}{second}", unbroken(between)),
    }
}

/// Two halves that a line does not part: days of one month.
pub(super) fn tight(first: &str, between: &str, second: &str) -> String {
    format!("{first}{}{second}", unbroken(between))
}
