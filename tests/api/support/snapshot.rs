//! Whether anything was written.

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;

use super::Server;

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

impl Server {
    /// What the database holds: each table with a digest of its rows. What was recorded is sealed first: when
    /// that happens is no doing of a request.
    pub(crate) async fn snapshot(&self) -> Vec<String> {
        let mut conn = self.database.get().await.unwrap();
        warta::audit::seal::seal(&mut conn).await.unwrap();
        let tables = "SELECT tablename::text AS line FROM pg_tables WHERE schemaname = 'public' ORDER BY 1";
        let tables = diesel::sql_query(tables).load::<Line>(&mut conn).await.unwrap();
        let digest = |Line { line: table }: &Line| {
            format!(
                "SELECT '{table} ' || coalesce(md5(string_agg(t::text, '' ORDER BY t::text)), '') AS line FROM \"{table}\" t"
            )
        };
        let query = tables.iter().map(digest).collect::<Vec<_>>().join(" UNION ALL ");
        let digests = diesel::sql_query(query).load::<Line>(&mut conn).await.unwrap();
        digests.into_iter().map(|digest| digest.line).collect()
    }
}
