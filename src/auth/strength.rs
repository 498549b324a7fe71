//! The check of new passwords that are too easy to guess (NIST SP 800-63B, section 3.1.1.2): passwords that
//! many people have, and passwords that can be guessed from their owner. There are no rules of composition.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization;
use zxcvbn::zxcvbn;

use crate::{faults::Invalid, values::visible::is_visible};

/// The number of guesses that a password must outlast, as a power of ten. At the rate that the throttle
/// allows for one account, these take three years.
const GUESSES: f64 = 8.1;

/// The same for a password without the characters that separate its words: several words are good, the same
/// word twice is not.
const GUESSES_OF_WHOLE: f64 = 6.0;

/// The number of characters that are looked at. If these are good enough, the password is; and the time grows
/// with the square of their number.
const LOOKED_AT: usize = 40;

/// The number of different characters that can stand for a letter and are looked at as such: the number of
/// readings is that of their subsets.
const STAND_INS: usize = 12;

/// The number of characters that must be left of a password when everything that is known of its owner is
/// taken away.
const LEFT: usize = 8;

/// The letters of a Russian keyboard, and those of an English one in the same places.
const KEYBOARDS: (&str, &str) = ("йцукенгшщзхъфывапролджэячсмитьбю", "qwertyuiop[]asdfghjkl;'zxcvbnm,.");

/// Checks that a password is not one that many people have, or one that is made like theirs: words of the
/// list with a number after them, keyboard runs, sequences, repetitions.
///
/// # Errors
/// Returns `blank` if it has no visible character, and `too_common` if it is such a password.
pub(crate) fn check_common(password: &str) -> Result<(), Invalid> {
    if !password.chars().any(is_visible) {
        return Err(Invalid::new("blank", "This must not be only white space or invisible."));
    }
    let plain: String = password.nfkc().collect();
    let whole: String = plain.chars().filter(|character| !" -_.".contains(*character)).collect();
    let english = on_english_keyboard(&plain);
    let good = guesses(&plain, &[]) >= GUESSES
        && (whole == plain || guesses(&whole, &[]) >= GUESSES_OF_WHOLE)
        && english.is_none_or(|english| guesses(&english, &[]) >= GUESSES);
    if good {
        return Ok(());
    }
    let detail = "Many people have this password, or one like it. Take a longer or less usual one, such as several words.";
    Err(Invalid::new("too_common", detail))
}

/// Checks that a password is not made of what is known of its owner or of the site.
///
/// # Errors
/// Returns `too_personal` if it is.
pub(crate) fn check_personal<'a>(
    password: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Result<(), Invalid> {
    let mut terms = HashSet::from(["warta".to_owned()]);
    for text in known {
        let text = folded(text);
        terms.extend(text.split(|character: char| !character.is_alphanumeric()).map(str::to_owned));
        terms.insert(compact(&text));
        terms.insert(text);
    }
    terms.retain(|term| term.chars().count() >= 3);
    // The longest terms come first; otherwise a part would break up the whole.
    let mut terms: Vec<_> = terms.into_iter().collect();
    terms.sort_unstable_by_key(|term| std::cmp::Reverse(term.len()));
    let known: Vec<_> = terms.iter().map(String::as_str).collect();
    let password = folded(password);
    let mut rest = compact(&password);
    for term in &terms {
        rest = rest.replace(&compact(term), "");
    }
    let has_some = rest.len() < compact(&password).len();
    if (has_some && rest.chars().count() < LEFT) || guesses(&password, &known) < GUESSES {
        let detail = "This is made of the email, the name or the site's name, which others know.";
        return Err(Invalid::new("too_personal", detail));
    }
    Ok(())
}

/// Returns the text without differences of case and compatibility variants.
fn folded(text: &str) -> String {
    text.nfkc().collect::<String>().to_lowercase().nfkc().collect()
}

/// Returns only the letters and digits of a text.
fn compact(text: &str) -> String {
    text.chars().filter(|character| character.is_alphanumeric()).collect()
}

/// Returns the text that the same keys type on an English keyboard; `None` if it is the same.
fn on_english_keyboard(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let swap = |character: char| {
        let mut pairs = KEYBOARDS.0.chars().zip(KEYBOARDS.1.chars());
        pairs.find(|(russian, _)| *russian == character).map_or(character, |(_, english)| english)
    };
    let english: String = lower.chars().map(swap).collect();
    (english != lower).then_some(english)
}

/// Returns the number of guesses that a password takes, as a power of ten.
fn guesses(password: &str, known: &[&str]) -> f64 {
    let mut stand_ins = HashSet::new();
    let looked_at: String = password
        .chars()
        .take(LOOKED_AT)
        .map(|character| match character {
            '(' | '{' | '[' | '<' | '!' | '|' | '$' | '+' | '%' | '@'
                if stand_ins.len() >= STAND_INS && !stand_ins.contains(&character) =>
            {
                '~'
            }
            '0'..='9' | '(' | '{' | '[' | '<' | '!' | '|' | '$' | '+' | '%' | '@' => {
                stand_ins.insert(character);
                character
            }
            other => other,
        })
        .collect();
    zxcvbn(&looked_at, known).guesses_log10()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn what_many_people_have_is_too_common() {
        for password in [
            "passwordpassword",
            "password password",
            "Password1234",
            "P@ssw0rd1234",
            "qwertyuiopas",
            "qwerty123456",
            "1q2w3e4r5t6y",
            "1qaz2wsx3edc",
            "123456789012",
            "098765432109",
            "abcdefghijkl",
            "aaaaaaaaaaaa",
            "abababababab",
            "éééééééééééé",
            "iloveyouforever",
            "administrator",
            "letmein letmein",
            "rahasia12345",
            "йцукенгшщзхъ",
            "пароль123456",
            "１２３４５６７８９０１２",
            "!@#$%^&*()_+",
            &"é".repeat(200),
            &"ab1".repeat(85),
        ] {
            assert_eq!(
                check_common(password).map_err(|invalid| invalid.code),
                Err("too_common"),
                "{password}"
            );
        }
        for blank in [" ".repeat(12), "\u{3000}\u{200b}".repeat(6), "\u{2800}".repeat(12)] {
            assert_eq!(check_common(&blank).map_err(|invalid| invalid.code), Err("blank"));
        }
    }

    #[test]
    fn what_few_people_have_is_not() {
        for password in [
            "correct horse battery staple",
            "correct horse battery",
            "a better horse battery",
            "kata sandi baru",
            "kucing hitam di atap",
            "another long password",
            "Sandi-panjang-4711",
            "f3a9c1d0e77b4a12",
            "ブログ記事の下書きを書く",
        ] {
            assert_eq!(check_common(password), Ok(()), "{password}");
        }
    }

    #[test]
    fn what_is_known_of_the_owner_is_too_personal() {
        let known = ["Budi.Santoso@Kabar.example", "Budi Santoso", "kabarkota.example", "Kabar Kota"];
        let code = |password: &str| check_personal(password, known).map_err(|invalid| invalid.code);
        for password in [
            "budi.santoso@kabar.example",
            "Budi.Santoso@kabar.example1",
            "budisantoso99",
            "SantosoBudi2026",
            "Budi Santoso!",
            "kabarkota2026",
            "Kabar-Kota-2026",
            "warta-kabar-kota",
            "budisantoso.kabarkota",
            "ＢｕｄｉＳａｎｔｏｓｏ99",
        ] {
            assert_eq!(code(password), Err("too_personal"), "{password}");
        }
        for password in ["correct horse battery staple", "kata sandi budi yang panjang", "f3a9c1d0e77b4a12"] {
            assert_eq!(code(password), Ok(()), "{password}");
        }
    }

    #[test]
    fn looking_takes_no_long_time_whatever_is_sent() {
        let began = Instant::now();
        for password in ["4@8({[<369!1|70$5+%2", "4836917052", "p4$$w0rd!@4317", "qwaszx", "19900101"] {
            drop(check_common(&password.repeat(12)));
        }
        // Without its bounds the first alone takes minutes.
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }
}
