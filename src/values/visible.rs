//! Tells visible characters from invisible ones.

/// Returns `true` if a character leaves a mark on the page: it is not white space, not a character that
/// Unicode lets a program draw as nothing (`Default_Ignorable_Code_Point`, `Bidi_Control`), and not the blank
/// pattern of Braille.
#[must_use]
pub(crate) fn is_visible(character: char) -> bool {
    !character.is_whitespace()
        && !matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// The invisible characters, written for use inside a character class of a pattern. The planes beyond the
/// first are left out, since there is no portable way to write them. The characters are there themselves: the
/// ways to write their numbers differ between ECMA-262, RE2 and others.
pub(super) const INVISIBLE: &str = "\\s\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}-\u{180f}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2060}-\u{206f}\u{2800}\u{3164}\u{fe00}-\u{fe0f}\u{feff}\u{ffa0}\u{fff0}-\u{fffb}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_no_mark_is_not_visible() {
        for character in
            " \u{3000}\u{ad}\u{200b}\u{200e}\u{202e}\u{2060}\u{2800}\u{3164}\u{feff}\u{e0020}".chars()
        {
            assert!(!is_visible(character), "{character:?}");
        }
        for character in "a.é语😀\u{301}\u{64b}".chars() {
            assert!(is_visible(character), "{character:?}");
        }
    }
}
