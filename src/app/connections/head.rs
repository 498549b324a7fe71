//! Finds the end of the head of a request.

/// The search for the end of a head in the bytes that arrive: an empty line after the request line and the
/// headers (RFC 9112, section 2.2). A line can also end without a carriage return, since the HTTP server
/// accepts that; empty lines before the request line belong to no head.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HeadEnd {
    /// Set if the request line has begun.
    begun: bool,
    /// Set if the present line is empty so far.
    at_line_start: bool,
}

impl HeadEnd {
    /// Returns the number of these bytes that belong to the head, if its end is among them.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                b'\n' if self.begun && self.at_line_start => {
                    *self = Self::default();
                    return Some(at + 1);
                }
                b'\n' => self.at_line_start = true,
                b'\r' => {}
                _ => *self = Self { begun: true, at_line_start: false },
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_with_its_empty_line() {
        let cases: [(&str, Option<&str>); 8] = [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Some("")),
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n", Some("GET / HTTP/1.1\r\n\r\n")),
            ("POST / HTTP/1.1\r\n\r\n\r\n\r\n", Some("\r\n\r\n")),
            ("GET / HTTP/1.1\nHost: a\n\nrest", Some("rest")),
            ("\r\n\r\n\nGET / HTTP/1.1\r\n\r\nrest", Some("rest")),
            ("GET / HTTP/1.1\r\nHost: a\r\n", None),
            ("\r\n\r\n\r\n", None),
            ("", None),
        ];
        for (text, rest) in cases {
            let whole = HeadEnd::default().find(text.as_bytes()).map(|end| &text[end..]);
            assert_eq!(whole, rest, "{text:?}");
            // However it is cut.
            let mut end = HeadEnd::default();
            let found = (0..text.len()).find(|at| end.find(&text.as_bytes()[*at..=*at]).is_some());
            assert_eq!(found.map(|at| &text[at + 1..]), rest, "{text:?}");
        }
    }
}
