//! Decides how many articles with texts fit on a page.

/// The size of an edition's texts in bytes, which Postgres knows without reading them.
pub(super) const TEXT_BYTES: &str = "(octet_length(editions.body) + octet_length(editions.body_html))";

/// The maximum size of all texts of a page together, in bytes.
const PAGE_BYTES: i64 = 1 << 20;

/// Returns how many of the articles whose texts have these sizes fit on one page: at least one, however long
/// its text is.
pub(super) fn fitting(sizes: impl Iterator<Item = i32>) -> usize {
    let mut bytes = 0;
    let fits = |size: &i32| {
        bytes += i64::from(*size);
        bytes <= PAGE_BYTES
    };
    sizes.take_while(fits).count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_what_fits_and_at_least_one() {
        let half = i32::try_from(PAGE_BYTES / 2).unwrap();
        for (sizes, count) in [
            (&[0; 100][..], 100),
            (&[half, half, 1], 2),
            (&[half, half, 0], 3),
            (&[half, half + 1, 0], 1),
            (&[i32::MAX, 0], 1),
        ] {
            assert_eq!(fitting(sizes.iter().copied()), count, "{sizes:?}");
        }
    }
}
