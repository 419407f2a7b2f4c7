"""Words of the form of an account: boxes, and what does not fit in them."""

from __future__ import annotations

from typing import Final

__all__ = ["WORDS"]

WORDS: Final = {
    "account.connection": ("Connection", "连接"),
    "account.hub": ("In the hub", "在中心内"),
    "account.type": ("Type of gateway", "接口类型"),
    "account.id": ("Id", "编号"),
    "account.help.id": (
        "Name of its source: letters, digits, . _ -, up to 32; never changed",
        "即行情源名称：字母、数字、. _ -，至多 32 个字符；不可更改",
    ),
    "account.enabled": ("Enabled: connect it as soon as it is saved", "启用：保存后立即连接"),
    "account.default": ("default", "默认"),
    "account.yes": ("yes", "是"),
    "account.no": ("no", "否"),
    "account.required": ("required", "必填"),
    "account.kept": ("kept sealed; empty = it stays", "已加密保存；留空则不变"),
    "account.reference": ("from {where}; empty = it stays", "取自 {where}；留空则不变"),
    "account.drop": ("Remove what is kept: {what}", "清除已保存的{what}"),
    "account.box.others": ("Other settings", "其他设置"),
    "account.help.others": (
        "One a line, name=value; secrets are kept and not shown",
        "每行一项，名称=值；密钥项会保留但不显示",
    ),
    "account.box.priority": ("Priority", "优先级"),
    "account.help.priority": ("0 to 1000, lower is preferred", "0 至 1000，越小越优先"),
    "account.box.schedule_group": ("Schedule group", "作息计划组"),
    "account.help.schedule_group": (
        "A group of [schedule], or always; empty: as befits its gateway",
        "[schedule] 中的组，或 always；留空：随接口",
    ),
    "account.box.subscribe": ("Contracts", "订阅合约"),
    "account.help.subscribe": (
        "Rules, one a line; all: every contract it can have",
        "规则，每行一条；all：全部可订阅合约",
    ),
    "account.box.health.canaries": ("Canary contracts", "哨兵合约"),
    "account.help.health.canaries": (
        (
            "One a line, such as rb2701.SHFE 3000: it must deliver it, silent for 3000 ms at most; "
            "empty: the monitor chooses"
        ),
        "每行一个，如 rb2701.SHFE 3000：必须提供，静默至多 3000 毫秒；留空：由监控选择",
    ),
    "account.box.description": ("Description", "说明"),
    "account.help.description": ("For people, up to 500 characters", "供人阅读，至多 500 字"),
    "account.own_password": ("Your own password", "您的登录密码"),
    "account.own_code": ("Code, if the second factor is on", "动态验证码（如已启用）"),
    "account.own_hint": (
        "Asked for where a login changes: it was last given more than five minutes ago.",
        "修改登录信息时需要：距上次输入已超过五分钟。",
    ),
    "account.save": ("Save", "保存"),
    "account.create": ("Create account", "创建账户"),
    "account.read_only": ("Only an admin changes accounts.", "只有管理员可以修改账户。"),
    "account.elsewhere": ("Also:", "另有："),
    "account.wrong.missing": ("is missing", "不能为空"),
    "account.wrong.address": (
        "expected tcp://host:port or ssl://host:port",
        "应为 tcp://主机:端口 或 ssl://主机:端口",
    ),
    "account.wrong.class": ("expected module:Class", "应为 module:Class"),
    "account.wrong.truth": ("expected yes or no", "应为是或否"),
    "account.wrong.whole": ("expected a whole number", "应为整数"),
    "account.wrong.number": ("expected a number", "应为数字"),
    "account.wrong.line": ("expected text of one line", "应为单行文本"),
    "account.wrong.contract": (
        "expected symbol.EXCHANGE, such as rb2701.SHFE",
        "应为 合约.交易所，如 rb2701.SHFE",
    ),
    "account.wrong.rule": ("expected at least one rule, such as all", "至少一条规则，如 all"),
    "account.wrong.sealed": (
        "expected the secret itself, or a reference",
        "应为密钥本身或引用",
    ),
    "account.wrong.kind": ("there is no gateway of this type", "没有此类接口"),
    "account.wrong.one_of": ("expected one of {what}", "应为以下之一：{what}"),
    "account.wrong.unknown": ("is unknown; did you mean {what}?", "未知设置；是否为 {what}？"),
    "account.wrong.stranger": ("is unknown; {what}", "未知设置；{what}"),
    "account.wrong.twice": ("is given twice, also as {what}", "重复，另见 {what}"),
    "account.wrong.most": ("expected at most {what}", "不得超过：{what}"),
    "account.wrong.bad_id": (
        "expected 1 to 32 letters, digits, . _ -, a letter or digit first",
        "应为 1 至 32 个字母、数字、. _ -，以字母或数字开头",
    ),
    "account.wrong.bad_priority": (
        "expected a whole number from 0 to 1000",
        "应为 0 至 1000 的整数",
    ),
    "account.wrong.bad_group": (
        "expected up to 32 letters, digits, . _ -",
        "应为至多 32 个字母、数字、. _ -",
    ),
    "account.wrong.bad_description": ("expected up to 500 characters", "不得超过 500 字"),
    "account.wrong.bad_silence": (
        "expected a limit of 500 to 600000 ms behind the contract",
        "合约后的静默上限应为 500 至 600000 毫秒",
    ),
}
