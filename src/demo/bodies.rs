//! The stories' texts, each in a file of its own.

/// The body of a story; empty where there is none.
pub(super) fn of(slug: &str) -> &'static str {
    BODIES.iter().find(|(name, _)| *name == slug).map_or("", |(_, body)| body)
}

macro_rules! bodies {
    ($($slug:literal),+ $(,)?) => {
        &[$(($slug, include_str!(concat!("stories/", $slug, ".md")))),+]
    };
}

const BODIES: &[(&str, &str)] = bodies![
    "meja-verifikasi-deepfake-empat-belas-redaksi",
    "model-bahasa-terbuka-tujuh-bahasa-daerah",
    "pusat-data-batam-laporan-air-harian",
    "rancangan-aturan-pengadaan-ai-pemerintah",
    "pusat-panggilan-bot-telepon-makin-panjang",
    "prakiraan-cuaca-suara-nelayan-alor-lembata",
    "kurikulum-ai-smp-mulai-tanpa-gawai",
    "uji-triase-ai-tiga-rumah-sakit",
    "perajin-batik-daftar-motif-hak-cipta-ai",
    "prediksi-harga-beras-dua-pekan",
    "sensor-murah-peringatan-dini-banjir-bandang",
    "data-terbuka-naskah-kuno-lima-aksara",
    "open-language-model-seven-regional-languages",
    "draft-rules-government-ai-procurement",
    "voice-weather-forecasts-fishermen-alor-lembata",
    "batik-makers-machine-readable-motif-register",
    "pedoman-redaksi-memakai-alat-ai",
];
