//! The cache keeps to its room, whatever is asked for.

use super::{Desk, is_hit, read, warm};
use crate::support::Server;

#[tokio::test]
async fn it_takes_no_more_than_its_room() {
    const ROOM: u64 = 200_000;
    let server = Server::caching(ROOM).await;
    for number in 0..300 {
        read(&server, &format!("/v1/articles?language=id&limit={}&tag=rubrik-{number}", number % 100 + 1))
            .await
            .expect(200);
        assert!(server.cache.counts().bytes <= ROOM, "{:?}", server.cache.counts());
    }
    let counts = server.cache.counts();
    assert!(counts.entries > 20 && counts.bytes > ROOM / 4, "{counts:?}");
    // Larger than an eighth of its part, so that it would push much else out.
    for _ in 0..2 {
        assert!(!is_hit(&server, "/openapi.json").await);
    }
}

#[tokio::test]
async fn odd_questions_do_not_push_the_front_page_out() {
    let server = Server::caching(200_000).await;
    let front = ["/v1/articles", "/v1/articles?language=id", "/v1/tags?menu=true"];
    for path in front {
        warm(&server, path).await;
    }
    let filled = async |odd: &dyn Fn(u32) -> String| {
        let before = server.cache.counts();
        for number in 0..300 {
            read(&server, &odd(number)).await.expect(200);
        }
        assert_eq!(server.cache.counts().misses, before.misses + 300);
    };
    filled(&|number| format!("/v1/articles?q=kata{number}")).await;
    filled(&|number| format!("/v1/articles?count=true&tag=rubrik-{number}")).await;
    filled(&|number| {
        format!(
            "/v1/articles?published_before=20{:02}-01-01T00:00:00Z&limit={}",
            number % 90,
            number % 100 + 1
        )
    })
    .await;
    let counts = server.cache.counts();
    assert!(counts.bytes < 100_000, "the odd ones are not bounded by their own part: {counts:?}");
    for path in front {
        assert!(is_hit(&server, path).await, "{path} was pushed out");
    }
}

#[tokio::test]
async fn what_is_asked_for_now_and_then_is_not_pushed_out_by_what_is_asked_for_twice() {
    let server = Server::caching(200_000).await;
    let front = ["/v1/articles", "/v1/tags?menu=true"];
    for path in front {
        warm(&server, path).await;
    }
    for number in 0..500 {
        for _ in 0..2 {
            read(&server, &format!("/v1/articles?tag=rubrik-{number}")).await.expect(200);
        }
        if number % 10 == 0 {
            for path in front {
                assert!(is_hit(&server, path).await, "{path} was pushed out before {number}");
            }
        }
    }
    assert!(server.cache.counts().bytes > 100_000, "they found room beside each other");
}

#[tokio::test]
async fn a_cursor_and_what_is_related_are_odd() {
    let desk = Desk::open().await;
    let story = desk.story("Satu", &[]).await;
    desk.story("Dua", &[]).await;
    let page = read(&desk.server, "/v1/articles?limit=1").await.expect(200);
    let next = page.header("link").split(['<', '>']).nth(1).unwrap().to_owned();
    for path in [next.as_str(), &format!("{story}/related")] {
        warm(&desk.server, path).await;
    }
}
