"""The forms of well-known vendors' keys and tokens: what they look like wherever they stand.

Each is bounded or consumes what it has read, for masking takes time linear in the text.
"""

from __future__ import annotations

from typing import Dict

__all__ = ["PECULIAR", "VENDORS"]

# So peculiar that they are found within a word as well
PECULIAR = r"(?P<aws_key_id>(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16})" + (
    r"|(?P<slack_token>xox[a-z]-[\w-]{4,}|xapp-\d-[\w-]{4,})"
)

# By what is put in their place, <masked:github-token>. They begin a word.
VENDORS: Dict[str, str] = {
    "slack_token": r"xapp-[\w-]{8,}",
    # A server's token may be a JSON web token after its prefix.
    "github_token": r"gh[pour]_\w{20,}|ghs_\w{20,}(?:\.[\w-]{20,}){0,2}|github_pat_\w{20,}",
    "gitlab_token": r"gl(?:pat|ptt|dt|rt|rtr|cbt|soat|ft|agent|imt|ffct|oas|wt)-[\w-]{16,}"
    r"(?:\.\w{2}\.\w{7,9}\b)?",
    "stripe_key": r"[sr]k_(?:org_)?(?:live|test)_\w{10,}|whsec_\w{16,}",
    "square_key": r"sq0(?:atp|csp)-[\w-]{22,}|EAAA[\w-]{60}",
    "paypal_key": r"access_token\$(?:production|sandbox)\$\w{8,40}\$[0-9a-f]{32}",
    "google_key": r"AIza[\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}|1//0[\w-]{20,}"
    r"|GOOG1[A-Z0-9]{18,60}|AQ\.[\w-]{40,}|AAAA[\w-]{7}:[\w-]{100,}",
    "facebook_token": r"EAACEdEose0cBA\w{8,}",
    "aws_key": r"ABSK[A-Za-z0-9+/]{60,}={0,2}|bedrock-api-key-[\w+/=-]{16,}"
    r"|amzn\.mws\.[0-9a-f]{8}-[0-9a-f-]{27}",
    # Keys that name their kind: of Azure DevOps, AI services and others
    "azure_secret": r"[\w.~-]{3}[78]Q~[\w.~-]{31,40}|[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{18,30}",
    "cloud_key": r"LTAI[A-Za-z0-9]{12,30}|AKID[A-Za-z0-9]{32}|AQVN[\w-]{35,}"
    r"|do[opr]_v1_[a-f0-9]{32,}|fm[12][ar]?_[\w+/=]{30,}|fo1_[\w-]{40,}"
    r"|pscale_(?:tkn|pw|oauth)_[\w.-]{30,}"
    r"|sbp_[0-9a-f]{40}|sb_secret_[\w-]{30,}|napi_[a-z0-9A-Z]{60,}|cf(?:k|ut|at)_[\w-]{40,}"
    r"|v1\.0-[0-9a-f]{24}-[0-9a-f]{140,150}|vc[apkicr]_[A-Za-z0-9]{50,}|nf[pcoub]_[A-Za-z0-9]{36,}"
    r"|rnd_[A-Za-z0-9]{28,}|HRKU-AA[\w-]{50,}|tskey-[a-z]{2,12}-[\w-]{20,}"
    r"|ver:\d-hint:\d{5,20}-[\w+/=-]{20,}",
    "model_key": r"sk-(?:proj|svcacct|admin|ant|or)-[\w-]{8,}|sk-[A-Za-z0-9]{32,}|hf_\w{30,}"
    r"|r8_[A-Za-z0-9]{37}|gsk_[A-Za-z0-9]{40,}|xai-[A-Za-z0-9]{60,}|pplx-[A-Za-z0-9]{40,}"
    r"|lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{8,12}|tvly-(?:dev-|prod-)?[A-Za-z0-9]{28,}"
    r"|fw_(?=[A-Za-z]{0,25}\d)[A-Za-z0-9]{22,26}\b",
    "package_key": r"npm_[A-Za-z0-9]{30,}|pypi-[\w-]{16,}|dckr_[po]at_[\w-]{16,}"
    r"|rubygems_[0-9a-f]{48}|oy2[a-z0-9]{43}|AKCp[A-Za-z0-9]{60,}|cmVmdGtu[\w+/=]{40,}|cio[A-Za-z0-9]{32}\b",
    "vault_token": r"hv[sbr]\.[\w-]{20,}|[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,}"
    r"|dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{40,}|pul-[0-9a-f]{40}"
    r"|AGE-SECRET-KEY-(?:PQ-)?1[A-Z0-9]{58,2000}"
    # Vault's before 1.10; a digit and a capital letter tell it from a name
    r"|s\.(?=[A-Za-z]{0,23}\d)(?=[a-z0-9]{0,23}[A-Z])[A-Za-z0-9]{24}(?![\w.])",
    "mail_key": r"SG\.[\w-]{16,64}\.[\w-]{16,}|key-[0-9a-f]{32}\b|[0-9a-f]{32}-us\d{1,2}\b"
    r"|x(?:keysib|smtpsib)-[0-9a-f]{64}-\w{16}|re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,30}\b",
    "monitoring_key": r"NRAK-[A-Z0-9]{20,}|[A-Za-z0-9]{30,36}NRAL\b|glsa_\w{32,}|glc_[\w+/=]{30,}"
    r"|eyJrIjoi[\w=]{30,}|sntry[su]_[\w+/=-]{30,}|dt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64}"
    r"|dd(?:app|pat)_[A-Za-z0-9]{30,}|essu_[\w+/=-]{40,}|PMAK-[0-9a-f]{24}-\w{30,40}",
    "service_key": r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32,}|dapi[a-f0-9]{32,}|AT[AC]TT3[\w=-]{20,}"
    r"|ATBB[A-Za-z0-9]{28,}|SK[0-9a-f]{32}\b|CCIPAT_\w{20,}|bkua_[0-9a-f]{40}|lin_api_\w{30,}"
    r"|ntn_\w{40,}|secret_[A-Za-z0-9]{43}\b|figd_[\w-]{30,}|tfp_[\w-]{40,}|ops_eyJ[\w+/=-]{100,}"
    r"|cflt[A-Za-z0-9+/]{60}\b"
    r"|pat[A-Za-z0-9]{14}\.[0-9a-f]{64}|pat-(?:na|eu|ap)\d-[0-9a-f]{8}-[0-9a-f-]{27}"
    r"|sq[upat]_[0-9a-f]{40}"
    r"|snyk_[a-z]{2,4}\.[A-Za-z0-9]{8}\.[\w-]{20,}|2/\d{16}/\d{16}:[0-9a-f]{32}"
    r"|sdk-[0-9a-f]{8}-[0-9a-f-]{27}",
    "bot_token": r"(?:bot)?\d{8,10}:AA[\w-]{30,}|[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,}",
    "paseto": r"v[1-4]\.(?:local|public)\.[\w-]{30,}",
    "password_hash": r"\$(?:2[abxy]|apr1|y|1|5|6|scrypt)\$[\w./+=$-]{20,}"
    r"|\$argon2(?:id|i|d)\$[\w=]{1,10}\$[\w=]{1,20}(?:,[\w=]{1,20}){1,3}\$[\w./+$-]{20,}",
}
