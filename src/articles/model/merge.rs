//! The clashes of changes that were made to one draft at the same time. Pure: the fields that each change
//! affects come in.

use crate::articles::model::{content::Field, revision::Fields};

/// Returns the fields in which two changes of one base cannot both be kept: others changed them since the
/// base, and the caller's change gives them another value than they have now.
///
/// `theirs` are the fields in which the present draft differs from the base. `mine` are the fields that the
/// caller's patch changes in the present draft. Fields are taken whole: two changes inside one body, one
/// picture or one list of tags clash.
#[must_use]
pub(crate) fn clashes(theirs: &Fields, mine: &Fields) -> Fields {
    let clash = |field: &Field| mine.0.contains(field);
    Fields(theirs.0.iter().copied().filter(clash).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::articles::model::revision::Snapshot;

    fn member(name: &'static str, values: Vec<Value>) -> impl Strategy<Value = Option<(String, Value)>> {
        prop::option::weighted(
            0.4,
            prop::sample::select(values).prop_map(move |value| (name.to_owned(), value)),
        )
    }

    /// Generates a patch, in the form in which snapshots are kept.
    fn patch() -> impl Strategy<Value = Value> {
        let tag = |number: u128| json!({"id": Uuid::from_u128(number), "slug": "tag", "name": "Tag"});
        let image = |alt: &str, caption: &str| json!({"url": "https://a.example/", "alt": alt, "caption": caption, "credit": ""});
        (
            member("title", vec![json!("A"), json!("B"), json!("C")]),
            member("summary", vec![json!(""), json!("B")]),
            member("body", vec![json!("A"), json!("B\n\nC")]),
            member("byline", vec![json!(null), json!("B")]),
            member("tags", vec![json!([]), json!([tag(1)]), json!([tag(2), tag(1)])]),
            member("image", vec![json!(null), image("a", "b"), json!({"alt": "c"}), json!({"caption": "d"})]),
        )
            .prop_map(|(a, b, c, d, e, f)| {
                Value::Object([a, b, c, d, e, f].into_iter().flatten().collect::<Map<_, _>>())
            })
    }

    fn base() -> Snapshot {
        serde_json::from_value(json!({
            "title": "A", "slug": "a", "language": "id", "summary": "", "body": "", "byline": null, "tags": [], "citations": [],
            "image": {"url": "https://a.example/", "alt": "", "caption": "", "credit": ""},
        }))
        .unwrap()
    }

    fn patched(snapshot: &Snapshot, patch: &Value) -> Option<Snapshot> {
        let mut value = serde_json::to_value(snapshot).unwrap();
        json_patch::merge(&mut value, patch);
        // If the picture was removed, there is no address any more that a patch of its texts could go with.
        serde_json::from_value(value).ok()
    }

    fn changed(before: &Snapshot, after: &Snapshot) -> Fields {
        before.facets(Uuid::nil()).changed(&after.facets(Uuid::nil()))
    }

    proptest! {
        #[test]
        fn what_does_not_clash_gives_the_same_in_either_order(theirs in patch(), mine in patch()) {
            let base = base();
            let (Some(present), Some(other)) = (patched(&base, &theirs), patched(&base, &mine)) else { return Ok(()) };
            let Some(merged) = patched(&present, &mine) else { return Ok(()) };
            let fields = changed(&base, &present);
            let clashing = clashes(&fields, &changed(&present, &merged));
            // Only what both changed can clash.
            for field in &clashing.0 {
                prop_assert!(fields.0.contains(field) && mine.get(field.as_str()).is_some(), "{field}");
            }
            let disjoint = theirs.as_object().unwrap().keys().all(|name| mine.get(name).is_none());
            prop_assert!(!disjoint || clashing.0.is_empty());
            if disjoint {
                let Some(reverse) = patched(&other, &theirs) else { return Ok(()) };
                prop_assert!(changed(&merged, &reverse).0.is_empty(), "{:?}", changed(&merged, &reverse));
            }
            if clashing.0.is_empty() {
                // Nothing that the others did is undone.
                for field in &fields.0 {
                    prop_assert!(!changed(&present, &merged).0.contains(field), "{field}");
                }
            }
        }
    }

    #[test]
    fn the_same_change_made_twice_is_no_clash() {
        let base = base();
        let theirs = patched(&base, &json!({"title": "B", "byline": "B"})).unwrap();
        let same = patched(&theirs, &json!({"title": "B", "summary": "C"})).unwrap();
        assert_eq!(clashes(&changed(&base, &theirs), &changed(&theirs, &same)), Fields::default());
        let other = patched(&theirs, &json!({"title": "C", "summary": "C"})).unwrap();
        let clash = clashes(&changed(&base, &theirs), &changed(&theirs, &other));
        assert_eq!(clash, Fields(vec![Field::Title]));
    }
}
