//! The rules for the keys of cached answers. Each route defines its rule next to its handler.

use super::query::is_of;

/// The parts of a request that the answers of a route depend on, besides the path. A route without a rule
/// depends on all parameters and on nothing else, and only its requests without a parameter are common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CacheRule {
    pattern: &'static str,
    by_host: bool,
    media_types: &'static [&'static str],
    matters: Option<fn(&str) -> bool>,
    common: &'static [&'static str],
    is_common: bool,
}

impl CacheRule {
    /// Creates the rule of a route, for the pattern that the route is registered with.
    #[must_use]
    pub(crate) const fn of(pattern: &'static str) -> Self {
        Self { pattern, by_host: false, media_types: &[], matters: None, common: &[], is_common: true }
    }

    /// Adds the address which the request came to, since links in the answers begin with it. An answer that
    /// uses this address without such a rule is not kept.
    #[must_use]
    pub(crate) const fn by_host(self) -> Self {
        Self { by_host: true, ..self }
    }

    /// Adds the media type, chosen by what the client accepts. All but the first are
    /// [`by_host`](Self::by_host).
    #[must_use]
    pub(crate) const fn by_media_type(self, media_types: &'static [&'static str]) -> Self {
        Self { media_types, ..self }
    }

    /// Restricts the parameters to those that `matters` knows. Parameters that others append to the address
    /// are ignored.
    #[must_use]
    pub(crate) const fn by_parameters(self, matters: fn(&str) -> bool) -> Self {
        Self { matters: Some(matters), ..self }
    }

    /// Ignores all parameters of a request.
    #[must_use]
    pub(crate) const fn without_parameters(self) -> Self {
        self.by_parameters(|_| false)
    }

    /// Makes requests with no other parameters than these common, too: their answers are kept with those that
    /// many ask for.
    #[must_use]
    pub(crate) const fn commonly(self, common: &'static [&'static str]) -> Self {
        Self { common, ..self }
    }

    /// Makes no request common: there are too many different ones.
    #[must_use]
    pub(crate) const fn uncommon(self) -> Self {
        Self { is_common: false, ..self }
    }

    /// Returns the pattern of the route.
    #[cfg(test)]
    pub(crate) const fn pattern(&self) -> &'static str {
        self.pattern
    }

    /// Returns the media types to choose from; empty if there is only one.
    #[must_use]
    pub(crate) const fn media_types(&self) -> &'static [&'static str] {
        self.media_types
    }

    /// Returns `true` if the address that the request came to belongs to the key, for the media type with
    /// this place in the list.
    #[must_use]
    pub(crate) const fn is_by_host(&self, media_type: Option<usize>) -> bool {
        self.by_host || matches!(media_type, Some(1..))
    }

    /// Returns `true` if a parameter, as it is written, belongs to the key.
    #[must_use]
    pub(crate) fn matters(&self, parameter: &str) -> bool {
        self.matters.is_none_or(|known| is_of(parameter, known))
    }

    /// Returns `true` if many clients make requests with parameters of these names.
    #[must_use]
    pub(crate) fn is_common<'a>(&self, mut names: impl Iterator<Item = &'a str>) -> bool {
        self.is_common && names.all(|name| self.common.contains(&name))
    }

    /// Returns `true` if the route serves a path. The pattern can have one `{name}` in each segment.
    #[must_use]
    pub(crate) fn serves(&self, path: &str) -> bool {
        let (mut pattern, mut path) = (self.pattern.split('/'), path.split('/'));
        loop {
            match (pattern.next(), path.next()) {
                (None, None) => return true,
                (Some(pattern), Some(segment)) if serves_segment(pattern, segment) => {}
                _ => return false,
            }
        }
    }
}

fn serves_segment(pattern: &str, segment: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('{') else { return pattern == segment };
    let after = rest.split_once('}').map_or("", |(_, after)| after);
    segment.len() > before.len() + after.len() && segment.starts_with(before) && segment.ends_with(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_serves_what_the_router_would() {
        for (pattern, serves, does_not) in [
            ("/", &["/"][..], &["", "//", "/a"][..]),
            ("/a/{b}", &["/a/b", "/a/b-c", "/a/%20"], &["/a", "/a/", "/a/b/", "/a/b/c", "/b/b"]),
            ("/a/{b}/c", &["/a/b/c"], &["/a/c", "/a/b", "/a//c"]),
            ("/s-{n}.xml", &["/s-1.xml", "/s-a.xml"], &["/s-.xml", "/s.xml", "/s-1.xm"]),
        ] {
            let rule = CacheRule::of(pattern);
            assert!(serves.iter().all(|path| rule.serves(path)), "{pattern}");
            assert!(!does_not.iter().any(|path| rule.serves(path)), "{pattern}");
        }
    }

    #[test]
    fn requests_are_common_with_nothing_but_common_parameters() {
        let rule = CacheRule::of("/").commonly(&["limit"]);
        assert!(rule.is_common(["limit"].into_iter()) && rule.is_common([].into_iter()));
        assert!(!rule.is_common(["limit", "cursor"].into_iter()));
        assert!(!rule.uncommon().is_common([].into_iter()));
    }
}
