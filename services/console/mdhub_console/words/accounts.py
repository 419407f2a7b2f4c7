"""Words of the pages of accounts."""

from __future__ import annotations

from typing import Final

__all__ = ["WORDS"]

WORDS: Final = {
    "accounts.title": ("Accounts", "账户"),
    "accounts.new": ("New account", "新建账户"),
    "accounts.name": ("Account", "账户"),
    "accounts.gateway": ("Gateway", "接口"),
    "accounts.state": ("State", "状态"),
    "accounts.priority": ("Priority", "优先级"),
    "accounts.secrets": ("Secrets", "密钥项"),
    "accounts.group": ("Schedule", "作息计划"),
    "accounts.description": ("Description", "说明"),
    "accounts.revision": ("Revision", "版本"),
    "accounts.updated": ("Changed", "更新时间"),
    "accounts.state.disabled": ("disabled", "已停用"),
    "accounts.state.refused": ("refused", "被拒绝"),
    "accounts.state.unheard": ("not taken up yet", "尚未接管"),
    "accounts.state.taken": ("waits for its schedule", "等待作息计划"),
    "accounts.pending": ("takes effect within 5 s", "5 秒内生效"),
    "accounts.lacks": ("lacks {names}", "缺少 {names}"),
    "accounts.complete": ("complete", "完整"),
    "accounts.usual_group": ("as its gateway", "随接口"),
    "accounts.none": ("No account yet.", "尚无账户。"),
    "accounts.none_do": (
        "Add the first one: within 5 s it is connected, beside the sources of the configuration.",
        "请新建第一个账户：5 秒内即会连接，与配置文件中的行情源并行。",
    ),
    "accounts.none_look": ("An admin can add one here.", "管理员可在此新建。"),
    "accounts.unconfigured": ("No account store is configured.", "未配置账户库。"),
    "accounts.unconfigured_do": (
        (
            "Write url and key_file into [accounts] of the hub's configuration, make a key with "
            "mdhub accounts new-key, then restart the hub."
        ),
        (
            "请在配置文件 [accounts] 中填写 url 与 key_file，用 mdhub accounts new-key 生成主密钥，"
            "然后重启。"
        ),
    ),
    "accounts.away": (
        "The account store does not answer. What runs goes on; what you see is of before.",
        "账户库无响应。已运行的账户不受影响；以下为此前内容。",
    ),
    "accounts.rank": ("Order of preference", "优先顺序"),
    "accounts.rank_hint": (
        "Lower is preferred: in priority mode, and where two sources are equally good.",
        "数值越小越优先：用于优先级模式，以及两个行情源同样好时。",
    ),
    "accounts.rank_drag": ("Drag {name}", "拖动 {name}"),
    "accounts.rank_save": ("Save the order", "保存顺序"),
    "accounts.move": ("Export and import", "导出与导入"),
    "accounts.move_hint": (
        "A file without secrets. Accounts that lack one come in disabled; none is deleted.",
        "文件不含密钥。缺少密钥的账户导入后为停用状态；不会删除任何账户。",
    ),
    "accounts.export": ("Export", "导出"),
    "accounts.import": ("Import", "导入"),
    "accounts.file": ("File", "文件"),
    "accounts.source": ("Source", "行情源"),
    "accounts.enable": ("Enable", "启用"),
    "accounts.disable": ("Disable", "停用"),
    "accounts.delete": ("Delete", "删除"),
    "accounts.ask.enable": ("Enable {name}?", "启用 {name}？"),
    "accounts.ask.disable": ("Disable {name}?", "停用 {name}？"),
    "accounts.ask.delete": ("Delete {name}?", "删除 {name}？"),
    "accounts.does.enable": (
        "Within 5 s its supervisor connects it, as its schedule says.",
        "5 秒内由监管进程按作息计划连接。",
    ),
    "accounts.does.disable": (
        "Its process ends within 5 s. Other accounts go on.",
        "其进程在 5 秒内结束，其他账户不受影响。",
    ),
    "accounts.does.delete": (
        "Its process ends; settings and secrets are gone. Its history stays.",
        "其进程结束，设置与密钥被删除，历史保留。",
    ),
    "accounts.deleting": ("To take a pause, disable it instead.", "如只需暂停，请改为停用。"),
    "sources.act.test": ("Test connection", "测试连接"),
    "accounts.test.ask": ("Test the connection of {name}?", "测试 {name} 的连接？"),
    "accounts.test.does": (
        "It logs in once, in a process of its own, and out again; this takes up to 40 s.",
        "在独立进程中登录一次后退出，至多 40 秒。",
    ),
    "accounts.test.once": (
        "Refused while the account is connected: a second login would throw it out.",
        "账户已连接时会被拒绝：第二次登录会使其掉线。",
    ),
    "accounts.test.title": ("Test of the connection", "连接测试"),
    "accounts.test.none": (
        "Not tested lately. Test connection says whether it can log in, stage by stage.",
        "近期未测试。“测试连接”会逐步说明能否登录。",
    ),
    "accounts.test.running": ("Under way, up to 40 s.", "进行中，至多 40 秒。"),
    "accounts.stage.preflight": ("checks before connecting", "连接前检查"),
    "accounts.stage.settings": ("settings", "设置"),
    "accounts.stage.connecting": ("connecting to the front", "连接前置"),
    "accounts.stage.md_login": ("market data login", "行情登录"),
    "accounts.stage.td_login": ("trading login", "交易登录"),
    "accounts.stage.contracts": ("logged in on both sides", "两侧均已登录"),
    "accounts.stage.running": ("logged in on both sides", "两侧均已登录"),
    "accounts.stage.found": (
        "found: {found}; expected: {expected}",
        "实际：{found}；应为：{expected}",
    ),
    "accounts.history": ("Revisions", "修改历史"),
    "accounts.history_none": ("Nothing is known of it.", "没有记录。"),
    "accounts.by": ("By", "操作人"),
    "accounts.did": ("What", "操作"),
    "accounts.fields": ("Fields", "字段"),
    "accounts.did.created": ("created", "创建"),
    "accounts.did.changed": ("changed", "修改"),
    "accounts.did.deleted": ("deleted", "删除"),
    "accounts.did.resealed": ("sealed with another key", "更换主密钥"),
    "problem.unknown-account": ("There is no account of this id.", "没有此账户。"),
    "problem.account-exists": (
        "There is an account of this id already: choose another.",
        "此编号的账户已存在，请另选。",
    ),
    "problem.revision-conflict": (
        (
            "Somebody else has changed it meanwhile: what is kept now is in the history below. "
            "Save again to put yours in its place."
        ),
        "他人已在此期间修改：现有内容见下方历史。再次保存将以您的内容覆盖。",
    ),
    "problem.bad-account": (
        "Nothing was saved: some fields do not fit.",
        "未保存：部分字段不符合要求。",
    ),
    "problem.store-unavailable": (
        "The account store does not answer; try again.",
        "账户库无响应，请重试。",
    ),
    "problem.no-account-store": ("No account store is configured.", "未配置账户库。"),
    "problem.no-keys": (
        "The master keys cannot be read: secrets cannot be sealed. See key_file of [accounts].",
        "无法读取主密钥，密钥项不能加密。请检查 [accounts] 的 key_file。",
    ),
    "problem.proof-needed": (
        "Give your own password too, and each secret once more.",
        "请同时输入您的登录密码，并重新输入各密钥项。",
    ),
}
