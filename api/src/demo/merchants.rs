//! Who the demo's merchants are and what they sell. Codes and numbers carry valid check digits and belong
//! to nobody.

/// A merchant to be.
pub struct MerchantPlan {
    /// `enterprise`, `individual_business` or `personal`.
    pub kind: &'static str,
    /// Owner's e-mail.
    pub email: &'static str,
    /// Owner.
    pub person: &'static str,
    /// Phone.
    pub phone: &'static str,
    /// Registered name.
    pub legal_name: &'static str,
    /// Unified social credit code, unless personal.
    pub credit_code: Option<&'static str>,
    /// ID card of the owner.
    pub id_card: &'static str,
    /// Shop.
    pub shop_name: &'static str,
    /// Code of the category, third level.
    pub category: &'static str,
    /// Colour of its pictures.
    pub hue: u32,
    /// Goods.
    pub products: &'static [ProductPlan],
}

/// A product to be.
pub struct ProductPlan {
    /// The merchant's code.
    pub code: &'static str,
    /// Title.
    pub title: &'static str,
    /// Second line.
    pub subtitle: &'static str,
    /// Text.
    pub description: &'static str,
    /// Name of the specification.
    pub specification: &'static str,
    /// Its values; none for a product with one SKU.
    pub values: &'static [&'static str],
    /// Price of the first SKU, in fen; each further one costs ten yuan more.
    pub price: i64,
    /// Pieces of each SKU.
    pub stock: i64,
}

/// The three merchants, one of each subject kind.
pub const MERCHANTS: [MerchantPlan; 3] = [
    MerchantPlan {
        kind: "enterprise",
        email: "shanqian@merchant.example",
        person: "陈小满",
        phone: "13800000001",
        legal_name: "福州山前手作有限公司",
        credit_code: Some("91350100M000100Y43"),
        id_card: "330106198803154019",
        shop_name: "山前手作",
        category: "30.01.02",
        hue: 20,
        products: &[
            ProductPlan {
                code: "SQ-BOWL",
                title: "手作粗陶饭碗 日式复古釉",
                subtitle: "一窑一色，每只都略有不同",
                description: "山前窑口手工拉坯，1280 度烧成，可进微波炉与洗碗机。",
                specification: "颜色",
                values: &["青灰", "米白", "赭石"],
                price: 12_800,
                stock: 60,
            },
            ProductPlan {
                code: "SQ-BASKET",
                title: "手工竹编提篮 野餐收纳篮",
                subtitle: "三年毛竹，老匠人手编",
                description: "篾青编织，提手加固，承重 8 公斤。",
                specification: "尺寸",
                values: &["小号", "大号"],
                price: 8_900,
                stock: 40,
            },
            ProductPlan {
                code: "SQ-TEAPOT",
                title: "柴烧侧把急须壶 200ml",
                subtitle: "出水利落，断水干净",
                description: "柴窑烧制，落灰自然，适合岩茶与乌龙。",
                specification: "",
                values: &[],
                price: 36_800,
                stock: 12,
            },
            ProductPlan {
                code: "SQ-CLOTH",
                title: "蓝染棉麻茶席 手工扎染桌旗",
                subtitle: "植物蓝靛，越洗越柔",
                description: "传统吊染与扎染工艺，棉 55% 麻 45%，30×180 厘米。",
                specification: "",
                values: &[],
                price: 15_900,
                stock: 25,
            },
        ],
    },
    MerchantPlan {
        kind: "individual_business",
        email: "xiaoma@merchant.example",
        person: "马小川",
        phone: "13800000002",
        legal_name: "杭州上城小马茶铺",
        credit_code: Some("92330106MA2CE00K71"),
        id_card: "310104199008120029",
        shop_name: "小马茶铺",
        category: "20.01.01",
        hue: 100,
        products: &[
            ProductPlan {
                code: "XM-OOLONG",
                title: "武夷岩茶 肉桂 炭焙足火 罐装",
                subtitle: "岩骨花香，七泡有余香",
                description: "正岩产区青叶，三道炭焙，建议 100 度沸水快冲。",
                specification: "规格",
                values: &["100 克", "250 克"],
                price: 16_800,
                stock: 90,
            },
            ProductPlan {
                code: "XM-DANCONG",
                title: "凤凰单丛 蜜兰香 春茶 30 泡礼盒",
                subtitle: "高山老枞，蜜香清甜",
                description: "独立小泡装，每泡 8 克，送礼自饮皆宜。",
                specification: "",
                values: &[],
                price: 29_800,
                stock: 35,
            },
        ],
    },
    MerchantPlan {
        kind: "personal",
        email: "ahe@merchant.example",
        person: "何阿禾",
        phone: "13800000003",
        legal_name: "何阿禾",
        credit_code: None,
        id_card: "440305199202293018",
        shop_name: "阿禾文具",
        category: "60.01.01",
        hue: 260,
        products: &[ProductPlan {
            code: "AH-NOTE",
            title: "手缝线装笔记本 竹纸空白册",
            subtitle: "一针一线，写字不洇墨",
            description: "80 页竹浆纸，蓝布封面，A5 大小。",
            specification: "",
            values: &[],
            price: 3_990,
            stock: 30,
        }],
    },
];

/// An applicant who waits for the reviewers.
pub const WAITING: MerchantPlan = MerchantPlan {
    kind: "enterprise",
    email: "newcomer@merchant.example",
    person: "沈一舟",
    phone: "13800000004",
    legal_name: "上海一舟茶业有限公司",
    credit_code: Some("91310000MA1FL0AB1X"),
    id_card: "11010519491231002X",
    shop_name: "一舟茶事",
    category: "20.01.02",
    hue: 140,
    products: &[],
};
