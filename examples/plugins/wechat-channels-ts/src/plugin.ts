// Channels accounts 视频号: the product window, live rooms and reservations with their figures, and leads.
//
// https://developers.weixin.qq.com/doc/channels/api/channels/ lists all a server may do: beginning a room, explaining a
// product and publishing a video are not among it. A channels account has no catalogue and no orders of its own; what it
// sells comes from a WeChat shop, whose orders name it. It is linked by the authorisation link of the provider's
// third-party platform, or directly by the id and secret of its assistant 视频号助手.

import * as account from "./account";
import * as app from "./app";
import * as figures from "./figures";
import * as leads from "./leads";
import * as live from "./live";
import { BUCKETS, HOSTS } from "./platform";
import { webhook } from "./pushes";
import * as quotas from "./quotas";
import * as showcase from "./showcase";
import { channel } from "sdk/qianpu";

const manifest = {
  schema: "qianpu.manifest/1",
  slug: "wechat-channels",
  version: "0.1.0",
  name_en: "WeChat Channels",
  name_zh: "微信视频号",
  kinds: [{ code: "channels_account", name_en: "Channels account", name_zh: "视频号" }],
  link_modes: ["authorisation_link", "direct"],
  // One third-party platform serves every WeChat channel.
  app_family: "wechat-open",
  app_shape: { style: "ticket_and_token", settings: [], callback: "wechat" },
  push_rules: [
    { mode: "authorisation_link", formats: ["xml"] },
    // No document names pushes of a channels account itself; an address that is set anyway is held to the rules of shops.
    { mode: "direct", formats: ["json"] },
  ],
  hosts: HOSTS,
  buckets: BUCKETS,
  capabilities: ["app", "auth", "webhook", "account", "showcase", "live", "leads", "call_quotas", "analytics"],
  // Fields of answers that hold tokens: the plugin sees handles there.
  secret_fields: [
    "access_token", "component_access_token", "authorizer_access_token", "authorizer_refresh_token", "refresh_token",
  ],
};

export const { plugin, operations, pushes } = channel(
  manifest,
  {
    "app.request_ticket": app.requestTicket,
    "app.token": app.appToken,
    "app.begin_link": app.beginLink,
    "app.complete_link": app.completeLink,
    "app.authorised_accounts": app.authorisedAccounts,
    "app.authorised_profile": app.authorisedProfile,
    "account.refresh": account.refresh,
    "account.profile": account.profile,
    "showcase.list": showcase.list,
    "showcase.add": showcase.add,
    "showcase.remove": showcase.remove,
    "live.now": live.now,
    "live.day": live.day,
    "lead.forms": leads.forms,
    "lead.list": leads.list,
    "quota.ask": quotas.ask,
    "quota.clear": quotas.clear,
    "analytics.overview": figures.overview,
    "analytics.products": figures.products,
    "analytics.product": figures.oneProduct,
    "analytics.people": figures.people,
  },
  webhook,
);
