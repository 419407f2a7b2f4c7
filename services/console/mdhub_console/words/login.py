"""Words of coming in: login, set-up, giving the password again."""

from typing import Final

__all__ = ["WORDS"]

WORDS: Final = {
    "login.title": ("Log in", "登录"),
    "login.name": ("Name", "用户名"),
    "login.password": ("Password", "密码"),
    "login.code": ("Code of the second factor, if it is on", "动态验证码（如已启用）"),
    "login.submit": ("Log in", "登录"),
    "setup.title": ("First user", "首个用户"),
    "setup.words": (
        (
            "This console has no user yet. The one-time token was printed when it started; "
            "`mdhub run console --setup-link` prints a new one."
        ),
        "控制台尚无用户。一次性令牌在启动时已打印；`mdhub run console --setup-link` 可重新生成。",
    ),
    "setup.token": ("One-time token", "一次性令牌"),
    "setup.submit": ("Create the first admin", "创建首个管理员"),
    "demo.title": ("The demo's console", "演示控制台"),
    "demo.words": (
        "One click logs you in as the demo's admin. The link works once.",
        "点击即以演示管理员身份登录。此链接仅可使用一次。",
    ),
    "demo.password": (
        (
            "The user “demo” has no password. Users, tokens and passwords can be changed for "
            "five minutes after this click; to change them later, or to log in again, set a "
            "password under your name within that time."
        ),
        (
            "用户 demo 没有密码。点击后五分钟内可修改用户、令牌与密码；"
            "如需之后继续修改或再次登录，请在此期间于个人页面设置密码。"
        ),
    ),
    "demo.submit": ("Open the console", "打开控制台"),
    "password.rules": (
        "12 characters or more, none of the usual ones, not your name.",
        "至少 12 个字符，不可使用常见密码或用户名。",
    ),
    "prove.title": ("Your password, once more", "请再次输入密码"),
    "prove.words": (
        "For five minutes after this you may change credentials.",
        "确认后五分钟内可修改凭据。",
    ),
    "prove.demo": (
        (
            "“demo” has no password unless you set one within five minutes of opening the link. "
            "If none was set, start the demo again for a new link; looking and ordering go on."
        ),
        (
            "除非在打开链接后五分钟内设置过，否则 demo 没有密码。"
            "若未设置，请重新启动演示以获取新链接；查看与下达操作不受影响。"
        ),
    ),
    "prove.submit": ("Confirm", "确认"),
    "problem.home": ("To the overview", "返回总览"),
    "problem.login-refused": ("Name, password or code is wrong.", "用户名、密码或验证码错误。"),
    "problem.code-needed": (
        "The second factor is on: give its code too.",
        "已启用双重验证：请同时输入验证码。",
    ),
    "problem.locked-out": (
        "Too many failed attempts. Wait at most 15 minutes, then try again.",
        "失败次数过多，请稍候（至多 15 分钟）再试。",
    ),
    "problem.too-busy": (
        "Many are logging in at this moment; try again.",
        "当前登录人数较多，请重试。",
    ),
    "problem.weak-password": (
        "The name or the password does not follow the rules.",
        "用户名或密码不符合规则。",
    ),
    "problem.wrong-proof": ("The password or the code is wrong.", "密码或验证码错误。"),
    "problem.setup-refused": (
        "The one-time token is wrong, used or too old.",
        "一次性令牌错误、已使用或已过期。",
    ),
    "problem.link-refused": (
        "This link is wrong, used or too old. Start the demo again for a new one.",
        "此链接错误、已使用或已过期。请重新启动演示以获取新链接。",
    ),
    "problem.no-master-key": (
        (
            "A second factor needs a master key, and this console has none: name a key file as "
            "key_file of [console], then start the console again."
        ),
        "双重验证需要主密钥，而控制台未配置：请在 [console] 中设置 key_file 后重启控制台。",
    ),
    "problem.not-found": ("There is nothing here.", "此处没有内容。"),
    "problem.forbidden": ("Your role does not allow this.", "您的角色无权执行此操作。"),
    "problem.internal": (
        "Something went wrong here; the log says what.",
        "内部错误，详情见日志。",
    ),
    "problem.database-unavailable": (
        "The console's database does not answer; try again.",
        "控制台数据库无响应，请重试。",
    ),
    "problem.log-unavailable": ("The log does not answer; try again.", "日志服务无响应，请重试。"),
    "problem.user-exists": ("There is a user of this name already.", "用户名已存在。"),
    "problem.unknown-user": ("There is no such user or token.", "该用户或令牌不存在。"),
    "problem.last-admin": (
        "This is the last admin who can log in: make another one first.",
        "这是最后一个可登录的管理员，请先创建另一个。",
    ),
    "problem.bad-request": ("A field of the form does not fit.", "表单中有字段不符合要求。"),
}
