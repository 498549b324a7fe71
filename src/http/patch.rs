//! Changes as JSON Merge Patches (RFC 7396).
//!
//! A patch is applied to the input that would make the present thing, and the result is parsed like a new
//! input. So a changed thing has the same limits and the same faults as a new one.

use std::marker::PhantomData;

use deserr::{Deserr, ValuePointerRef};
use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        OneOfBuilder, RefOr,
        schema::{ObjectBuilder, Schema, SchemaType, Type},
    },
};

use crate::{
    faults::{Faults, Invalid},
    http::body::parse,
};

/// Applies a patch to a thing, given as its input, and parses the result.
///
/// `known` are all members that the input can have. A removed member is treated like one that is left out of
/// a new thing.
///
/// # Errors
/// Returns every fault of the patch.
pub(crate) fn merge<T: Deserr<Faults>>(
    mut present: Value,
    patch: Value,
    known: &[&str],
) -> Result<T, Faults> {
    let Value::Object(members) = &patch else {
        return Err(Faults::one(
            ValuePointerRef::Origin,
            Invalid::new("wrong_type", "A merge patch is an object."),
        ));
    };
    // Otherwise removing an unknown member would go unnoticed.
    let mut faults = Faults::none();
    for name in members
        .iter()
        .filter(|(name, value)| value.is_null() && !known.contains(&name.as_str()))
        .map(|(name, _)| name)
    {
        faults.extend(Faults::one(
            ValuePointerRef::Origin.push_key(name),
            Invalid::new("unknown", format!("There is no `{name}` here.")),
        ));
    }
    json_patch::merge(&mut present, &patch);
    match parse(present) {
        Ok(value) => faults.or(value),
        Err(others) => {
            faults.extend(others);
            Err(faults)
        }
    }
}

/// Returns the names of the members that a patch changes, for the record.
#[must_use]
pub(crate) fn changed_members(patch: &Value) -> Vec<&str> {
    patch.as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect()
}

/// The schema of a merge patch for `T`, for the OpenAPI document. No member is required, and each member that
/// an input can leave out can be `null`.
pub(crate) struct Patch<T>(PhantomData<T>);

impl<T: ToSchema> PartialSchema for Patch<T> {
    fn schema() -> RefOr<Schema> {
        let mut named = Vec::new();
        T::schemas(&mut named);
        let mut schema = T::schema();
        relax(&mut schema, &named);
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.description = Some(format!(
                "A JSON Merge Patch (RFC 7396) of {}: members that are left out stay, `null` clears a member, an object is \
                 merged, an array is replaced.",
                T::name()
            ));
            object.examples.clear();
            // One member shows best what a patch is.
            let example = object.example.take();
            let member =
                example.as_ref().and_then(Value::as_object).and_then(|members| members.iter().next());
            object.example = member.map(|(name, value)| json!({name: value}));
        }
        schema
    }
}

/// Makes nothing required, and everything that can be left out nullable; also in nested objects, since a
/// patch merges them. An array is replaced as a whole, so its elements stay as they are.
fn relax(schema: &mut RefOr<Schema>, named: &[(String, RefOr<Schema>)]) {
    match schema {
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
            let target = named.iter().find(|(other, _)| other == name).map(|(_, target)| target);
            if let Some(target @ RefOr::T(Schema::Object(object))) = target
                && !object.properties.is_empty()
            {
                let mut copy = target.clone();
                relax(&mut copy, named);
                *schema = copy;
            }
        }
        RefOr::T(Schema::Object(object)) => {
            let required = std::mem::take(&mut object.required);
            for (name, property) in &mut object.properties {
                relax(property, named);
                if !required.contains(name) {
                    nullable(property);
                }
            }
        }
        RefOr::T(Schema::OneOf(one_of)) => one_of.items.iter_mut().for_each(|item| relax(item, named)),
        RefOr::T(_) => {}
    }
}

fn nullable(property: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = property
        && let SchemaType::Type(r#type) = object.schema_type.clone()
        && object.enum_values.is_none()
    {
        object.schema_type = SchemaType::Array(vec![r#type, Type::Null]);
        return;
    }
    let already = |property: &RefOr<Schema>| match property {
        RefOr::T(Schema::OneOf(one_of)) => one_of.items.iter().any(is_null),
        other => is_null(other),
    };
    if !already(property) {
        let null = ObjectBuilder::new().schema_type(Type::Null);
        *property = OneOfBuilder::new().item(null).item(property.clone()).into();
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    let RefOr::T(Schema::Object(object)) = schema else { return false };
    match &object.schema_type {
        SchemaType::Type(r#type) => *r#type == Type::Null,
        SchemaType::Array(types) => types.contains(&Type::Null),
        SchemaType::AnyValue => true,
    }
}

impl<T: ToSchema> ToSchema for Patch<T> {
    fn name() -> std::borrow::Cow<'static, str> {
        let name = T::name();
        format!("{}Patch", name.strip_suffix("Input").unwrap_or(&name)).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}
