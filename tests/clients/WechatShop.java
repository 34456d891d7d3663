// An independent client of WeChat shops, weixin-java-channel of WxJava, against the platform sandbox. How to run it, also
// against a server that takes pushes: README.md beside this file.
//
// The library is unmodified; its own setting names another host. It gets tokens, makes, changes, lists and stocks a product
// with what a product needs, reads and ships an order, answers an after-sale case, reads the balance, and opens every
// push the sandbox sent into its own types. Ends with status 1 at the first thing that is refused.

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import me.chanjar.weixin.channel.api.impl.WxChannelServiceHttpClientImpl;
import me.chanjar.weixin.channel.bean.address.AddressDetail;
import me.chanjar.weixin.channel.bean.base.AddressInfo;
import me.chanjar.weixin.channel.bean.base.AttrInfo;
import me.chanjar.weixin.channel.bean.base.TimeRange;
import me.chanjar.weixin.channel.bean.base.WxChannelBaseResponse;
import me.chanjar.weixin.channel.bean.delivery.DeliveryInfo;
import me.chanjar.weixin.channel.bean.delivery.FreightProductInfo;
import me.chanjar.weixin.channel.bean.freight.FreightTemplate;
import me.chanjar.weixin.channel.bean.message.after.AfterSaleMessage;
import me.chanjar.weixin.channel.bean.message.order.OrderPayMessage;
import me.chanjar.weixin.channel.bean.message.product.SpuAuditMessage;
import me.chanjar.weixin.channel.bean.order.OrderListParam;
import me.chanjar.weixin.channel.bean.product.DescriptionInfo;
import me.chanjar.weixin.channel.bean.product.ExpressInfo;
import me.chanjar.weixin.channel.bean.product.SkuInfo;
import me.chanjar.weixin.channel.bean.product.SpuCategory;
import me.chanjar.weixin.channel.bean.product.SpuInfo;
import me.chanjar.weixin.channel.config.impl.WxChannelDefaultConfigImpl;
import me.chanjar.weixin.channel.message.WxChannelMessage;
import me.chanjar.weixin.channel.util.JsonUtils;
import me.chanjar.weixin.channel.util.WxChCryptUtils;
import me.chanjar.weixin.common.util.crypto.SHA1;
import me.chanjar.weixin.common.error.WxErrorException;
import me.chanjar.weixin.common.error.WxRuntimeException;

public class WechatShop {
  static final String APP_ID = "wx00000000000000cc", SECRET = "a-secret-of-the-shop", TOKEN = "clienttoken";
  static final String KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
  static final String PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  static final List<WxChannelMessage> PUSHES = Collections.synchronizedList(new ArrayList<>());
  static final List<String> REFUSED = Collections.synchronizedList(new ArrayList<>());
  static String sandbox;
  static WxChannelServiceHttpClientImpl shop;
  static WxChCryptUtils crypt;

  public static void main(String[] given) throws Exception {
    sandbox = given[0].replaceAll("/$", "");
    WxChannelDefaultConfigImpl config = settings();
    shop = new WxChannelServiceHttpClientImpl(false, false);
    shop.setConfig(config);
    crypt = new WxChCryptUtils(config);
    try {
      if (given.length > 1) {
        pushToServer(given[1], given[2]);
      } else {
        everything(config);
      }
    } catch (Throwable thrown) {
      thrown.printStackTrace(System.out);
      check("no exception", false);
    }
    System.exit(0);
  }

  static WxChannelDefaultConfigImpl settings() {
    WxChannelDefaultConfigImpl config = new WxChannelDefaultConfigImpl();
    config.setAppid(APP_ID);
    config.setSecret(SECRET);
    config.setToken(TOKEN);
    config.setAesKey(KEY);
    config.setMsgDataFormat("JSON");
    config.setApiHostUrl(sandbox);
    return config;
  }

  static void everything(WxChannelDefaultConfigImpl config) throws Exception {
    HttpServer inbox = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    inbox.createContext("/push", WechatShop::take);
    inbox.createContext("/picture.png", call -> {
      byte[] pixel = Base64.getDecoder().decode(PIXEL);
      call.getResponseHeaders().add("content-type", "image/png");
      call.sendResponseHeaders(200, pixel.length);
      call.getResponseBody().write(pixel);
      call.close();
    });
    inbox.start();
    String here = "http://127.0.0.1:" + inbox.getAddress().getPort(), url = here + "/push";
    play("/accounts", "{\"kind\": \"store\", \"nickname\": \"茶铺\", \"appid\": \"" + APP_ID + "\", \"secret\": \"" + SECRET
        + "\", \"push\": {\"url\": \"" + url + "\", \"token\": \"" + TOKEN + "\", \"encoding_aes_key\": \"" + KEY
        + "\", \"format\": \"json\", \"mode\": \"secure\"}}");
    check("the library answers the check of its push address", true);

    // Tokens.
    String first = shop.getAccessToken(true);
    check("a token", !first.isEmpty());
    check("the shop's profile", "茶铺".equals(done("profile", shop.getBasicService().getShopInfo()).getInfo().getNickname()));
    play("/tokens/expire", "{\"appid\": \"" + APP_ID + "\"}");
    done("a call with a token that is over gets a new one by itself", shop.getBasicService().getShopInfo());

    // A product, with what it needs.
    check("categories", !done("all", shop.getCategoryService().listAllCategory()).getList().isEmpty());
    List<SpuCategory> path = new ArrayList<>();
    String parent = "0";
    for (List<me.chanjar.weixin.channel.bean.category.ShopCategory> below; ; ) {
      below = shop.getCategoryService().listAvailableCategory(parent);
      if (below == null || below.isEmpty()) {
        break;
      }
      SpuCategory step = new SpuCategory();
      step.setId(parent = below.get(0).getId());
      path.add(step);
    }
    check("a path of three categories", path.size() == 3);
    String picture = shop.getBasicService().uploadImg(1, here + "/picture.png").getUrl();
    check("a picture", picture != null && !picture.isEmpty());
    AddressInfo where = new AddressInfo("广东省", "广州市", "海珠区");
    where.setUserName("王晓");
    where.setTelNumber("13800138000");
    where.setDetailInfo("新港中路 397 号");
    AddressDetail address = new AddressDetail();
    address.setName("仓库");
    address.setAddressInfo(where);
    address.setRecvAddr(true);
    address.setSendAddr(true);
    String back = done("an address", shop.getAddressService().addAddress(address)).getAddressId();
    check("is listed", done("addresses", shop.getAddressService().listAddress(0, 10)).getIds().contains(back));
    FreightTemplate freight = new FreightTemplate();
    freight.setName("全国包邮");
    freight.setValuationType("PIECE");
    freight.setSendTime("SendTime_TWENTY_FOUR_HOUR");
    freight.setAddressInfo(where);
    freight.setDeliveryType("EXPRESS");
    freight.setShippingMethod("FREE");
    String template = done("a freight template", shop.getFreightTemplateService().addTemplate(freight)).getTemplateId();
    check("is listed", done("templates", shop.getFreightTemplateService().listTemplate(0, 10)).getIds().contains(template));

    SpuInfo draft = new SpuInfo();
    draft.setOutProductId("p1");
    draft.setTitle("明前龙井 100g");
    draft.setHeadImgs(List.of(picture, picture, picture));
    draft.setDescInfo(new DescriptionInfo());
    draft.getDescInfo().setImgs(List.of(picture));
    draft.setCats(path);
    draft.setDeliverMethod(0);
    draft.setExpressInfo(new ExpressInfo());
    draft.getExpressInfo().setTemplateId(template);
    draft.setSkus(List.of(sku("红", 12800), sku("白", 13800)));
    SpuInfo made = done("a product", shop.getProductService().addProduct(draft)).getData();
    String product = made.getProductId();
    done("is submitted", shop.getProductService().upProduct(product));
    await("is approved and on sale", () -> status(product) == 5);
    SpuInfo read = done("is read", shop.getProductService().getProduct(product, 3)).getProduct();
    check("with its title and prices", read.getTitle().equals(draft.getTitle())
        && read.getSkus().get(0).getSalePrice() == 12800 && read.getCats().size() == 3);
    check("is listed", done("products", shop.getProductService().listProduct(10, null, 5)).getIds().contains(product));
    draft.setProductId(product);
    draft.setTitle("明前龙井 一级");
    done("is changed", shop.getProductService().updateProduct(draft));
    done("is submitted again", shop.getProductService().upProduct(product));
    await("the change is approved", () -> title(product).equals("明前龙井 一级"));
    String sku = String.valueOf(read.getSkus().get(0).getSkuId());
    done("its stock is set", shop.getProductService().updateStock(product, sku, 3, 9));
    check("to nine", done("stock", shop.getProductService().getSkuStock(product, sku)).getData().getTotalStockNum() == 9);
    done("is taken off", shop.getProductService().downProduct(product));
    await("is off", () -> status(product) == 11);
    done("is put back", shop.getProductService().upProduct(product));
    await("is on again", () -> status(product) == 5);

    // An order.
    String order = buy(product, sku);
    long now = System.currentTimeMillis() / 1000;
    OrderListParam range = new OrderListParam();
    range.setCreateTimeRange(new TimeRange());
    range.getCreateTimeRange().setStartTime(now - 3600);
    range.getCreateTimeRange().setEndTime(now + 60);
    range.setPageSize(10);
    check("the order is listed", done("orders", shop.getOrderService().getOrders(range)).getIds().contains(order));
    var detail = done("order", shop.getOrderService().getOrder(order)).getOrder();
    check("it is paid, two pieces", detail.getStatus() == 20 && detail.getOrderDetail().getProductInfos().get(0).getSkuCnt() == 2
        && detail.getOrderDetail().getPriceInfo().getOrderPrice() == 25600);
    done("a remark", shop.getOrderService().updateRemark(order, "小心轻放"));
    String company = done("companies", shop.getOrderService().listDeliveryCompany()).getCompanyList().get(0).getId();
    DeliveryInfo parcel = new DeliveryInfo();
    parcel.setDeliverType(1);
    parcel.setDeliveryId(company);
    parcel.setWaybillId("SF1");
    FreightProductInfo inside = new FreightProductInfo();
    inside.setProductId(product);
    inside.setSkuId(sku);
    inside.setProductCnt(2);
    parcel.setProductInfos(List.of(inside));
    done("it is shipped", shop.getOrderService().deliveryOrder(order, List.of(parcel)));
    detail = done("order", shop.getOrderService().getOrder(order)).getOrder();
    check("its state and waybill are read", detail.getStatus() == 30
        && detail.getOrderDetail().getDeliveryInfo().getDeliveryProductInfos().get(0).getWaybillId().equals("SF1")
        && detail.getOrderDetail().getExtInfo().getMerchantNotes().equals("小心轻放"));

    // An after-sale case.
    play("/orders/" + order + "/aftersale", "{\"type\": \"RETURN\", \"count\": 1}");
    String one = done("cases", shop.getAfterSaleService().listIds(now - 3600, now + 3600, null)).getIds().get(0);
    var read_case = done("case", shop.getAfterSaleService().get(one)).getInfo();
    check("it is the order's, and waits for the merchant", read_case.getOrderId().equals(order)
        && read_case.getStatus().equals("MERCHANT_PROCESSING") && read_case.getType().equals("RETURN"));
    check("reasons to refuse", !done("reasons", shop.getAfterSaleService().getRejectReason()).getRejectReasonList().isEmpty());
    done("the return is agreed to", shop.getAfterSaleService().accept(one, back, null));
    check("the case says so", done("case", shop.getAfterSaleService().get(one)).getInfo().getStatus().equals("USER_WAIT_RETURN"));
    check("the balance", done("balance", shop.getFundService().getBalance()).getPendingAmount() >= 0);

    // Pushes.
    await("products, orders and cases were pushed", () -> events().containsAll(List.of("product_spu_audit",
        "product_spu_listing", "channels_ec_order_new", "channels_ec_order_pay", "channels_ec_order_deliver",
        "channels_ec_aftersale_update")));
    check("none was refused: " + REFUSED, REFUSED.isEmpty());
    check("a paid order names its order", PUSHES.stream().anyMatch(push -> push instanceof OrderPayMessage paid
        && order.equals(paid.getOrderInfo().getOrderId()) && paid.getOrderInfo().getPayTime() > 0));
    check("an audit names its product", PUSHES.stream().anyMatch(push -> push instanceof SpuAuditMessage audit
        && product.equals(audit.getProductId())));
    check("a case names its order", PUSHES.stream().anyMatch(push -> push instanceof AfterSaleMessage changed
        && order.equals(changed.getInfo().getOrderId())));

    // Somebody with another secret is refused.
    config.setSecret("another-secret");
    try {
      shop.getAccessToken(true);
      check("a wrong secret is refused", false);
    } catch (WxRuntimeException refused) {
      Throwable cause = refused;
      while (cause != null && !(cause instanceof WxErrorException)) {
        cause = cause.getCause();
      }
      int code = cause == null ? 0 : ((WxErrorException) cause).getError().getErrorCode();
      check("a wrong secret is refused with 40125 or 40001: " + code, code == 40125 || code == 40001);
    }
  }

  /** What the library seals and signs, a server takes; what was changed on the way it does not. */
  static void pushToServer(String hook, String order) throws Exception {
    String time = String.valueOf(System.currentTimeMillis() / 1000);
    String proof = SHA1.gen(TOKEN, time, "nonce");
    String checked = "?signature=" + proof + "&timestamp=" + time + "&nonce=nonce&echostr=7301";
    HttpResponse<String> echo = send(HttpRequest.newBuilder(URI.create(hook + checked)));
    check("the server answers the library's check", echo.statusCode() == 200 && echo.body().equals("7301"));
    check("and refuses a forged one", send(HttpRequest.newBuilder(URI.create(hook + checked.replace(proof, "0" + proof.substring(1)
        + "0")))).statusCode() / 100 == 4);
    String plain = "{\"ToUserName\": \"gh_1\", \"FromUserName\": \"o1\", \"CreateTime\": " + time + ", \"MsgType\": \"event\", "
        + "\"Event\": \"channels_ec_order_pay\", \"order_info\": {\"order_id\": " + order + ", \"pay_time\": " + time + "}}";
    WxChCryptUtils.EncryptContext sealed = crypt.encryptContext(plain);
    String query = "?signature=" + SHA1.gen(TOKEN, sealed.getTimeStamp(), sealed.getNonce()) + "&timestamp="
        + sealed.getTimeStamp() + "&nonce=" + sealed.getNonce() + "&encrypt_type=aes&msg_signature=" + sealed.getSignature();
    String body = "{\"ToUserName\": \"gh_1\", \"Encrypt\": \"" + sealed.getEncrypt() + "\"}";
    HttpResponse<String> taken = send(HttpRequest.newBuilder(URI.create(hook + query))
        .header("content-type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body)));
    check("the server takes a push the library sealed: " + taken.statusCode() + " " + taken.body(), taken.statusCode() == 200);
    String changed = body.replace(sealed.getEncrypt(), crypt.encrypt("0123456789abcdef", plain.replace("pay", "new")));
    check("and refuses it with another body", send(HttpRequest.newBuilder(URI.create(hook + query))
        .header("content-type", "application/json").POST(HttpRequest.BodyPublishers.ofString(changed))).statusCode() / 100 == 4);
  }

  static SkuInfo sku(String colour, int price) {
    SkuInfo sku = new SkuInfo("p1", colour);
    AttrInfo attribute = new AttrInfo();
    attribute.setKey("颜色");
    attribute.setValue(colour);
    sku.setAttrs(List.of(attribute));
    sku.setSalePrice(price);
    sku.setStockNum(5);
    return sku;
  }

  static String buy(String product, String sku) throws Exception {
    String made = play("/orders", "{\"appid\": \"" + APP_ID + "\", \"buyer\": \"王晓\", \"scene\": 2, \"pay\": true, \"items\": "
        + "[{\"product_id\": \"" + product + "\", \"sku_id\": \"" + sku + "\", \"quantity\": 2}]}");
    return JsonUtils.decode(made, Map.class).get("order_id").toString();
  }

  static int status(String product) {
    try {
      SpuInfo read = shop.getProductService().getProduct(product, 3).getProduct();
      return read == null || read.getStatus() == null ? -1 : read.getStatus();
    } catch (Exception refused) {
      throw new IllegalStateException(refused);
    }
  }

  static String title(String product) {
    try {
      return shop.getProductService().getProduct(product, 1).getProduct().getTitle();
    } catch (Exception refused) {
      throw new IllegalStateException(refused);
    }
  }

  /** The sandbox's pushes, checked, opened and read by the library. */
  static void take(HttpExchange call) throws java.io.IOException {
    Map<String, String> query = new HashMap<>();
    for (String pair : call.getRequestURI().getQuery().split("&")) {
      query.put(pair.split("=", 2)[0], pair.split("=", 2)[1]);
    }
    byte[] answer = "success".getBytes(StandardCharsets.UTF_8);
    int status = 200;
    try {
      if (!shop.checkSignature(query.get("timestamp"), query.get("nonce"), query.get("signature"))) {
        throw new IllegalStateException("signature");
      }
      if (query.containsKey("echostr")) {
        answer = query.get("echostr").getBytes(StandardCharsets.UTF_8);
      } else {
        String body = new String(call.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        String sealed = JsonUtils.decode(body, WxChannelMessage.class).getEncrypt();
        String plain = crypt.decryptContent(query.get("msg_signature"), query.get("timestamp"), query.get("nonce"), sealed);
        String event = JsonUtils.decode(plain, WxChannelMessage.class).getEvent();
        Class<? extends WxChannelMessage> kind = event.equals("channels_ec_order_pay") ? OrderPayMessage.class
            : event.startsWith("product_spu_") ? SpuAuditMessage.class
            : event.equals("channels_ec_aftersale_update") ? AfterSaleMessage.class : WxChannelMessage.class;
        WxChannelMessage push = JsonUtils.decode(plain, kind);
        if (push == null) {
          throw new IllegalStateException(plain);
        }
        PUSHES.add(push);
      }
    } catch (RuntimeException refused) {
      REFUSED.add(refused.toString());
      status = 403;
    }
    call.sendResponseHeaders(status, answer.length);
    call.getResponseBody().write(answer);
    call.close();
  }

  static List<String> events() {
    return PUSHES.stream().map(WxChannelMessage::getEvent).toList();
  }

  /** What people do on the platform: not a call of the client. */
  static String play(String path, String body) throws Exception {
    HttpResponse<String> answer = send(HttpRequest.newBuilder(URI.create(sandbox + "/sandbox/api" + path))
        .header("content-type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body)));
    if (answer.statusCode() / 100 != 2) {
      check(path + ": " + answer.body(), false);
    }
    return answer.body();
  }

  static HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return HTTP.send(request.timeout(Duration.ofSeconds(10)).build(), HttpResponse.BodyHandlers.ofString());
  }

  static <T extends WxChannelBaseResponse> T done(String what, T answer) {
    check(what + (answer == null ? ": no answer" : answer.isSuccess() ? "" : ": " + answer.errorMessage()),
        answer != null && answer.isSuccess());
    return answer;
  }

  static void await(String what, BooleanSupplier holds) throws InterruptedException {
    for (int tries = 0; tries < 40 && !holds.getAsBoolean(); tries++) {
      Thread.sleep(250);
    }
    check(what, holds.getAsBoolean());
  }

  static void check(String what, boolean holds) {
    System.out.println((holds ? "ok   " : "FAIL ") + what);
    if (!holds) {
      System.exit(1);
    }
  }
}
