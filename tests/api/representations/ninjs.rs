//! ninjs 3.1.

use jsonschema::Validator;
use serde_json::{Value, json};

use super::{HOSTILE, SITE, newsroom, read, story};

/// Our own transcription of what IPTC's JSON Schema of ninjs 3.1 says of the members that we write: their
/// names, types and formats, which are required, and that no other member is allowed anywhere. No package
/// registry has IPTC's file. What is valid here is valid there, but not the other way round: members that we
/// never write are left out.
fn schema() -> Value {
    let text = json!({"type": "string"});
    let uri = json!({"type": "string", "format": "uri"});
    let time = json!({"type": "string", "format": "date-time"});
    let closed = |properties: Value| json!({"type": "object", "additionalProperties": false, "properties": properties});
    let list = |items: Value| json!({"type": "array", "items": items});
    let words = |count: bool| {
        let mut words = closed(json!({"role": text, "contentType": text, "value": text}));
        if count {
            words["properties"]["wordCount"] = json!({"type": "integer"});
        }
        words["required"] = json!(["value"]);
        words
    };
    let mut rendition = closed(json!({"name": text, "href": uri, "contentType": text, "title": text}));
    rendition["required"] = json!(["name"]);
    let mut news = json!({
        "uri": uri,
        "type": {"enum": ["text", "audio", "video", "picture", "graphic", "composite", "component", "event", "planning"]},
        "representationType": {"enum": ["full", "partial"]},
        "version": text,
        "firstCreated": time,
        "versionCreated": time,
        "contentCreated": time,
        "pubStatus": {"enum": ["usable", "withheld", "canceled"]},
        "language": text,
        "descriptions": list(words(false)),
        "bodies": list(words(true)),
        "headlines": list(words(false)),
        "subjects": list(closed(json!({"name": text, "rel": text, "uri": uri, "literal": text}))),
        "infoSources": list(closed(json!({"name": text, "role": text, "uri": uri, "literal": text}))),
        "by": text,
        "renditions": list(rendition),
        "altIds": list(closed(json!({"role": text, "value": text}))),
        "standard": closed(json!({"name": text, "version": text, "schema": uri})),
        "digitalSourceType": closed(json!({"name": text, "uri": uri, "literal": text})),
    });
    let mut association = closed(news.clone());
    association["properties"]["name"] = text.clone();
    association["properties"]["rel"] = text;
    association["required"] = json!(["name", "uri"]);
    news["associations"] = list(association);
    let mut schema = closed(news);
    schema["required"] = json!(["uri"]);
    schema
}

fn validator(schema: &Value) -> Validator {
    let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012);
    options.should_validate_formats(true).build(schema).unwrap()
}

/// The schema above and, where `NINJS_SCHEMA` names a file that has it, IPTC's own. Its only reference
/// elsewhere, to GeoJSON, is for places, of which we write none: it is replaced by one that allows anything.
pub(super) fn validators() -> Vec<Validator> {
    let mut validators = vec![validator(&schema())];
    if let Ok(file) = std::env::var("NINJS_SCHEMA") {
        let text = std::fs::read_to_string(file).unwrap();
        let geo_json = "\"https://geojson.org/schema/GeoJSON.json#\"";
        assert!(text.contains(geo_json), "this is not the schema that is meant");
        let mut official: Value =
            serde_json::from_str(&text.replace(geo_json, "\"#/$defs/anything\"")).unwrap();
        official["$defs"]["anything"] = json!({});
        validators.push(validator(&official));
    }
    validators
}

#[tokio::test]
async fn a_newsroom_system_reads_valid_ninjs() {
    let (server, editor) = newsroom(Some(SITE)).await;
    let own = server.get("/v1/articles/kabar", None).await.expect(200).body;
    let news = story(&server, "application/ninjs+json").await.body;
    let bare = read(&server, "/v1/articles/news", "application/ninjs+json").await.expect(200).body;
    let bearer = format!("Bearer {editor}");
    let headers = [("accept", "application/ninjs+json"), ("authorization", bearer.as_str())];
    let draft = server.send("GET", "/v1/articles/kabar?draft=true", &headers, None).await.expect(200).body;
    for validator in validators() {
        for valid in [&news, &bare, &draft] {
            let faults: Vec<_> = validator
                .iter_errors(valid)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(faults.is_empty(), "{faults:?}\n{valid:#}");
        }
        // The schema does refuse what is not in it.
        for (pointer, name) in
            [("", "credit"), ("/bodies/0", "html"), ("/associations/0", "alt"), ("/infoSources/0", "title")]
        {
            let mut invalid = news.clone();
            invalid.pointer_mut(pointer).unwrap()[name] = json!("x");
            assert!(!validator.is_valid(&invalid), "{pointer}/{name}");
        }
        for (pointer, name, value) in [
            ("", "uri", json!("kabar")),
            ("", "type", json!("article")),
            ("", "version", json!(2)),
            ("", "pubStatus", json!("retracted")),
            ("", "firstCreated", json!("2026-08-17")),
            ("", "by", json!(null)),
            ("", "headlines", json!("Kabar")),
            ("/bodies/0", "wordCount", json!("412")),
            ("/standard", "schema", json!("ninjs 3.1")),
            ("/associations/0", "type", json!("image")),
            ("/renditions/0", "href", json!("/id/kabar")),
        ] {
            let mut invalid = news.clone();
            invalid.pointer_mut(pointer).unwrap()[name] = value;
            assert!(!validator.is_valid(&invalid), "{pointer}/{name}");
        }
        for (pointer, name) in
            [("", "uri"), ("/bodies/0", "value"), ("/associations/0", "uri"), ("/renditions/0", "name")]
        {
            let mut invalid = news.clone();
            invalid.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(name).unwrap();
            assert!(!validator.is_valid(&invalid), "without {pointer}/{name}");
        }
        let mut invalid = news.clone();
        invalid["infoSources"][0]["uri"] = own["citations"][0]["url"].clone();
        assert!(!validator.is_valid(&invalid), "an address that is no URI");
    }
    let urn = |thing: &Value| format!("urn:uuid:{}", thing["id"].as_str().unwrap());
    assert_eq!(news["uri"], urn(&own));
    assert_eq!(
        news["standard"],
        json!({
            "name": "ninjs",
            "version": "3.1",
            "schema": "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json#",
        })
    );
    assert_eq!(news["version"], own["version"].to_string());
    assert_eq!(news["language"], "id");
    assert_eq!(news["altIds"], json!([{"role": "slug", "value": "kabar"}]));
    assert_eq!(news["by"], own["byline"]);
    assert_eq!(news["firstCreated"], own["created_at"]);
    assert_eq!(news["contentCreated"], own["published_at"]);
    assert_eq!(news["bodies"][0]["wordCount"], own["word_count"]);
    assert_eq!(news["descriptions"][0]["value"], own["summary"]);
    assert_eq!(news["headlines"][0]["value"], HOSTILE);
    assert_eq!(news["bodies"][0]["value"], own["body_html"]);
    assert_eq!(news["bodies"][1]["value"], own["body"]);
    assert_eq!(news["descriptions"][1]["role"], "correction");
    assert_eq!(news["descriptions"][1]["value"], own["corrections"][0]["text"]);
    assert_eq!(news["pubStatus"], "usable");
    assert_eq!(draft["pubStatus"], "usable", "a draft without changes is what readers see");
    assert_eq!(
        news["subjects"],
        json!([{"name": "Riset & ]]> data", "rel": "about", "uri": urn(&own["tags"][0]), "literal": "riset"}])
    );
    let roles: Vec<_> =
        news["infoSources"].as_array().unwrap().iter().map(|it| it["role"].as_str()).collect();
    assert_eq!(roles, [Some("original"), Some("translated_from"), Some("data"), Some("publisher")]);
    assert_eq!(
        news["infoSources"][3],
        json!({"name": "news.example", "role": "publisher", "uri": "https://news.example/berita/"})
    );
    assert_eq!(
        news["infoSources"][0],
        json!({
            "name": "Kantor <Berita> Pesisir",
            "role": "original",
            "uri": "https://pesisir.example/%C3%A9?a=1&b=%5B2%5D",
            "literal": "Laporan <tahunan>",
        })
    );
    assert_eq!(news["renditions"][0]["href"], format!("{SITE}/id/kabar"));
    let [picture, translation] = &news["associations"].as_array().unwrap()[..] else { panic!("{news:#}") };
    assert_eq!(
        (&picture["by"], &picture["uri"]),
        (&json!("Warta & kawan"), &picture["renditions"][0]["href"])
    );
    let said: Vec<_> =
        picture["descriptions"].as_array().unwrap().iter().map(|it| (&it["role"], &it["value"])).collect();
    assert_eq!(said, [(&json!("alt"), &json!("Gambar")), (&json!("caption"), &json!("Dua <nelayan>"))]);
    assert_eq!(
        (&translation["language"], &translation["uri"]),
        (&json!("en"), &json!(urn(&own["translations"][0])))
    );
    assert_eq!(translation["renditions"][0]["href"], format!("{SITE}/en/news"));
    assert_eq!(news["digitalSourceType"]["uri"], own["provenance"]["digital_source_type"]);
    assert_eq!(news["versionCreated"], own["updated_at"]);
}
