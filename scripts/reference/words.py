"""The fixed texts of the reference in both languages. The Chinese ones match the index that the seed began."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Words:
    """The fixed words of one language."""

    title: str
    about: str
    common: str
    common_points: tuple[str, ...]
    source: str
    again: str
    again_text: str
    by_theme: str
    theme_heads: tuple[str, str]
    realtime: str
    realtime_about: str
    models: str
    models_about: str
    contents: str
    contents_about: str
    contents_heads: tuple[str, str, str, str, str]
    on_this_page: str
    task_heads: tuple[str, str, str]
    implemented: str
    not_implemented: str
    back: str
    summary: str
    description: str
    since: str
    since_oldest: str
    since_later: str
    since_unknown: str
    status: str
    nature: str
    deprecated: str
    blocking: str
    blocking_short: str
    consumes: str
    stream: str
    websocket: str
    measured: str
    corrections: str
    parameters: str
    parameter_heads: tuple[str, ...]
    body: str
    body_heads: tuple[str, ...]
    required: str
    optional: str
    empty_object: str
    always: str
    yes: str
    no: str
    none: str
    responses: str
    response_heads: tuple[str, ...]
    empty: str
    client_call: str
    example: str
    asynchronous: str
    see_realtime: str
    more: str
    overview: str
    overview_heads: tuple[str, ...]
    event_types: str
    event_types_about: str
    event_heads: tuple[str, str]
    envelope: str
    repeated: str
    colon: str
    comma: str
    enumeration: str
    semicolon: str
    aside: str
    """The parentheses of the language."""


ENGLISH = Words(
    title="The OpenCode server's API",
    about="The operations by module, so that they are found by what they do.",
    common="General",
    common_points=(
        "**The parameter `directory`**: most operations take `directory` in the query, the directory to work in; "
        "without it, that is the cwd of the current instance. Where an operation says nothing of its `directory`, "
        "this holds.",
        "Each page holds, for every operation: its operationId, summary, description, a table of parameters, a table "
        "of the body's fields (if it has a body), a table of responses; also the first server "
        "version with it, and the client's call.",
        'The examples use a client: `client = OpencodeClient("http://127.0.0.1:4096", directory="/repo")`.',
    ),
    source="Written from the document of {version}: {count} operations.",
    again="Writing it anew",
    again_text="By default the document comes from `{url}`. This writes these pages only; "
    "[`make regenerate`](../../regenerating.md) gets the document, and writes the client and these pages.",
    by_theme="By theme",
    theme_heads=("Theme", "What it holds"),
    realtime="Real-time operations",
    realtime_about="SSE event streams, WebSockets, long answers and the other real-time abilities in one place",
    models="Models",
    models_about="The objects that bodies, responses and events are made of",
    contents="Contents, by module",
    contents_about="Five columns: **category** (links to the module's page), **operation** (METHOD path), "
    "**description** (what it is for), **status** (whether [opencode_client]({package}) has it), "
    "**client** (the shortest call of `OpencodeClient`). "
    "**The status is computed from the code of opencode_client.**",
    contents_heads=("Category", "Operation", "Description", "Status", "Client"),
    on_this_page="On this page",
    task_heads=("To", "Write", "More"),
    implemented="implemented",
    not_implemented="not implemented",
    back="Contents",
    summary="Summary",
    description="Description",
    since="Since",
    since_oldest="1.1.31 or earlier",
    since_later="{since} ({absent} does not have it)",
    since_unknown="unknown (no document of 1.1.31 to {newest} that was compared has it)",
    status="Status",
    nature="Nature",
    deprecated="deprecated",
    blocking="answers only when the turn is over, or a person is done; the client sets no read timeout",
    blocking_short="a long answer",
    consumes="reading takes something away, so the client never sends it twice",
    stream="an SSE stream",
    websocket="a WebSocket",
    measured="Measured",
    corrections="**Real servers do something else** than the table below says:",
    parameters="Parameters",
    parameter_heads=("Name", "In", "Type", "Required", "Default", "Enum / constraints", "Description"),
    body="Body",
    body_heads=("Field", "Type", "Required", "Default", "Enum / constraints", "Description"),
    required="required",
    optional="optional",
    empty_object="no field is required; send at least `{}`",
    always="Always {value}.",
    yes="yes",
    no="no",
    none="None.",
    responses="Responses",
    response_heads=("Status", "Media type", "Shape", "Description"),
    empty="empty",
    client_call="The client's call",
    example="Example",
    asynchronous="Asynchronous (`AsyncOpencodeClient`)",
    see_realtime=" More in [Real-time operations]({link}).",
    more="… {count} more",
    overview="At a glance",
    overview_heads=("Operation", "Nature", "Description", "Client"),
    event_types="Event types",
    event_types_about="The types that the document names, and the members of their payload. Types that a table above "
    "has with the same members are not repeated.",
    event_heads=("Type", "Payload"),
    envelope="Envelope",
    repeated="as above: {count} types",
    colon=": ",
    comma=", ",
    enumeration=", ",
    semicolon="; ",
    aside=" ({})",
)

CHINESE = Words(
    title="OpenCode Serve API 文档",
    about="按模块拆分的接口文档，便于按功能查找。",
    common="通用说明",
    common_points=(
        "**directory 参数**：多数接口支持 query 参数 `directory`，用于指定工作目录；未传时使用当前实例的 cwd。"
        "若某接口的 `directory` 说明为空，则遵循此约定。",
        "每个接口文档包含：OperationId、摘要、说明、请求参数表、请求体表（如有）、响应表；另有起始的服务端版本与客户端调用方式。",
        '示例中的 `client`：`client = OpencodeClient("http://127.0.0.1:4096", directory="/repo")`。',
    ),
    source="依据 {version} 的文档生成，共 {count} 个接口。",
    again="重新生成",
    again_text="默认从 `{url}` 拉取 OpenAPI。这条命令只写本文档；"
    "[`make regenerate`](../../zh/regenerating.md) 拉取 OpenAPI，并生成客户端和本文档。",
    by_theme="按主题",
    theme_heads=("主题", "说明"),
    realtime="实时接口",
    realtime_about="SSE 事件流、WebSocket、流式 AI 响应等实时能力汇总",
    models="数据模型",
    models_about="请求体、响应与事件中出现的对象",
    contents="目录（按模块）",
    contents_about="表格前四列：**类别**（链接到该模块文档）、**接口**（METHOD 路径）、**描述**（接口用途）、"
    "**状态**（[opencode_client]({package}) 是否已实现）；第五列 **客户端** 是 `OpencodeClient` 的最短调用。"
    "**状态依据 opencode_client 源码核对。**",
    contents_heads=("类别", "接口", "描述", "状态", "客户端"),
    on_this_page="本页目录",
    task_heads=("目的", "写法", "详见"),
    implemented="已实现",
    not_implemented="未实现",
    back="目录",
    summary="摘要",
    description="说明",
    since="起始版本",
    since_oldest="1.1.31 或更早",
    since_later="{since}（{absent} 尚无）",
    since_unknown="未知（对照过的 1.1.31 至 {newest} 各版文档均无此接口）",
    status="状态",
    nature="特性",
    deprecated="已弃用",
    blocking="整轮结束或用户处理完毕后才答复，客户端不设读超时",
    blocking_short="长响应",
    consumes="读取即取走，客户端不会重发",
    stream="SSE 流",
    websocket="WebSocket",
    measured="实测",
    corrections="**下表的描述与实测不符之处**（描述沿用原文）：",
    parameters="请求参数",
    parameter_heads=("名称", "位置", "类型", "必填", "默认值", "枚举 / 约束", "说明"),
    body="请求体",
    body_heads=("字段", "类型", "必填", "默认值", "枚举 / 约束", "说明"),
    required="必填",
    optional="可选",
    empty_object="没有必填字段，至少发送 `{}`",
    always="固定为 {value}。",
    yes="是",
    no="否",
    none="无。",
    responses="响应",
    response_heads=("状态码", "媒体类型", "结构", "说明"),
    empty="空",
    client_call="客户端调用",
    example="示例",
    asynchronous="异步（`AsyncOpencodeClient`）",
    see_realtime="详见[实时接口]({link})。",
    more="… 另 {count} 种",
    overview="一览",
    overview_heads=("接口", "特性", "描述", "客户端"),
    event_types="事件类型",
    event_types_about="文档列出的事件类型及其载荷成员。前面表中已有且成员相同的类型不再重复。",
    event_heads=("类型", "载荷"),
    envelope="信封",
    repeated="与前表相同：{count} 种",
    colon="：",
    comma="，",
    enumeration="、",
    semicolon="；",
    aside="（{}）",
)

WORDS = {"zh": CHINESE, "en": ENGLISH}
