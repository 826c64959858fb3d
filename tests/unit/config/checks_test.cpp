// The checks of single values: tables of text and verdict.
#include "common/config/checks.hpp"

#include <doctest/doctest.h>

using namespace mx::config;

namespace {

struct Row {
  std::string_view text;
  std::string_view found;  ///< empty: accepted
};

template <std::size_t N>
void check_all(Check check, const Row (&rows)[N]) {
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(check(row.text) == row.found);
  }
}

}  // namespace

TEST_CASE("faults that any value can have are named") {
  const Row rows[] = {
      {"fine", ""},
      {"", "empty"},
      {"value\r", "a carriage return at its end: the file it comes from has Windows line ends"},
      {"\"value\"", "quotes around it: they are part of the value here; remove them"},
      {"'value'", "quotes around it: they are part of the value here; remove them"},
      {"\"", ""},
      {" value", "a blank in front"},
      {"value\t", "a blank at its end"},
      {"two\nlines", "a line end or another control character inside"},
      {"nul\x01", "a line end or another control character inside"},
      {"sk-proj-YOUR_KEY", "still the placeholder of the example file"},
      {"GENERATE_STRONG_PASSWORD", "still the placeholder of the example file"},
      {"d\xC3\xA9"
       "j\xC3\xA0",
       ""},
  };
  check_all(common_fault, rows);
}

TEST_CASE("URLs of services") {
  const Row rows[] = {
      {"https://crm.example.com", ""},
      {"http://espocrm:8080/sub/folder/", ""},
      {"http://127.0.0.1:1", ""},
      {"https://[::1]:8443", ""},
      {"crm.example.com", "no http:// in front"},
      {"ftp://crm.example.com", "a scheme other than http and https"},
      {"https://", "no host"},
      {"https:///path", "no host"},
      {"https://host:99999", "a port outside 1 to 65535"},
      {"https://host:0", "a port outside 1 to 65535"},
      {"https://user:pass@host", "a user or password in the URL"},
      {"https://host/?key=1", "a '?' or '#' part"},
      {"https://host/#x", "a '?' or '#' part"},
      {"https://ho st", "no well-formed URL (special characters in a password are written as %XX)"},
      {"https://h\xC3\xB4te", "no well-formed URL (special characters in a password are written as %XX)"},
  };
  check_all(web_url, rows);
}

TEST_CASE("URLs of the broker") {
  const Row rows[] = {
      {"amqp://llm-worker:pw@rabbitmq:5672/max", ""},
      {"amqps://llm-worker:p%40ss%2F@host/%2F", ""},
      {"amqp://u:p@host", ""},
      {"http://u:p@host", "a scheme other than amqp and amqps"},
      {"rabbitmq:5672", "no amqp:// in front"},
      {"amqp://host", "no user and password"},
      {"amqp://user@host", "no user and password"},
      {"amqp://user:@host", "no user and password"},
      {"amqp://u:p@host/a/b", "more than one '/' after the host"},
      {"amqp://u:p@ss@host", "no well-formed URL (special characters in a password are written as %XX)"},
  };
  check_all(broker_url, rows);
}

TEST_CASE("webhook tokens") {
  const Row rows[] = {
      {"none", ""},
      {"a-token-of-some-length", ""},
      {"old-token,new-token", ""},
      {"old-token, new-token", ""},
      {"a,b,c", "more than two tokens"},
      {"a,", "an empty token beside the comma"},
      {",a", "an empty token beside the comma"},
      {"a,none", "'none' beside a token"},
      {"a,a", "the same token twice"},
      {"two words", "a blank, or a character that is not plain ASCII"},
      {"t\xC3\xB6ken", "a blank, or a character that is not plain ASCII"},
  };
  check_all(webhook_tokens, rows);
}

TEST_CASE("names, ids and words") {
  const Row tenants[] = {{"main", ""},
                         {"a_b-9", ""},
                         {"a.b", "a character other than a-z, 0-9, '_' and '-'"},
                         {"Main", "a character other than a-z, 0-9, '_' and '-'"},
                         {"", "not 1 to 32 characters"},
                         {"0123456789012345678901234567890123", "not 1 to 32 characters"}};
  check_all(tenant_id, tenants);
  const Row instances[] = {{"7103000001", ""},
                           {"71-03", "something other than 1 to 18 digits"},
                           {"1234567890123456789", "something other than 1 to 18 digits"}};
  check_all(instance_id, instances);
  const Row zones[] = {{"Europe/Paris", ""},
                       {"UTC", ""},
                       {"Etc/GMT+3", ""},
                       {"Europe/Atlantis", "a time zone that does not exist"},
                       {"../../etc/passwd", "no name of a time zone"},
                       {"Europe/", "no name of a time zone"}};
  check_all(time_zone, zones);
  const Row dividing[] = {{"1", ""},
                          {"2", ""},
                          {"4", ""},
                          {"8", ""},
                          {"16", ""},
                          {"3", "a number that does not divide 16"},
                          {"0", "a number that does not divide 16"},
                          {"32", "a number that does not divide 16"}};
  check_all(partitions, dividing);
  const Row hosts[] = {{"api.example.com", ""},
                       {"https://api.example.com", "a URL"},
                       {"a b", "no host name"},
                       {"a..b", "no host name"},
                       {".a", "no host name"}};
  check_all(host_name, hosts);
  const Row addresses[] = {
      {"0.0.0.0", ""}, {"::1", ""}, {"localhost", "no IP address"}, {"1.2.3", "no IP address"}};
  check_all(ip_address, addresses);
  const Row mails[] = {{"a@b.fr", ""},
                       {"a@b", "no e-mail address"},
                       {"a@b@c.fr", "no e-mail address"},
                       {"@b.fr", "no e-mail address"}};
  check_all(email, mails);
  const Row tools[] = {{"create_lead, add_note", ""},
                       {"create_lead,delete_all", "a tool that does not exist"}};
  check_all(tool_list, tools);
  const Row attributes[] = {{"tenant=cTenantId", ""},
                            {"tenant=cTenantId,request=cMaxRequestId", ""},
                            {"tenant", "an item without '='"},
                            {"name=x", "a name that is none of the four"},
                            {"chat=a-b", "no attribute name after '='"}};
  check_all(attribute_names, attributes);
}

TEST_CASE("numbers and seconds are whole, in range, and nothing else") {
  CHECK(whole_number("10", 1, 10) == "");
  CHECK(whole_number("11", 1, 10) == "a number outside 1 to 10");
  CHECK(whole_number("-1", 0, 10) == "a number outside 0 to 10");
  for (const std::string_view bad : {"", "1.5", "1e3", "0x10", "10 ", "+1", "99999999999999999999"}) {
    CAPTURE(bad);
    CHECK(whole_number(bad, 0, 10) == "no whole number");
  }

  CHECK(seconds("1.5", 1000, 2000) == "");
  CHECK(parse_seconds("1.5") == 1500);
  CHECK(parse_seconds("0.001") == 1);
  CHECK(seconds("0.5", 1000, 2000) == "a number outside 1 to 2");
  for (const std::string_view bad : {"", ".", "1.", ".5", "1.2345", "-1", "1s", "1e3", "9999999999999"}) {
    CAPTURE(bad);
    CHECK(seconds(bad, 0, 1000) == "no number of seconds");
  }
}

TEST_CASE("chats of an allow-list are understood as people write them") {
  CHECK(chat_id("33612345678@c.us") == "33612345678@c.us");
  CHECK(chat_id("+33 6 12 34 56 78") == "33612345678@c.us");
  CHECK(chat_id("120363043968066561@g.us") == "120363043968066561@g.us");
  CHECK(chat_id("79001234568-1479621234@g.us") == "79001234568-1479621234@g.us");
  CHECK(chat_id("123456789012345@lid") == "123456789012345@lid");
  for (const std::string_view bad :
       {"", "anna", "12", "33612345678@s.whatsapp.net", "@c.us", "336 12@c.us"}) {
    CAPTURE(bad);
    CHECK(chat_id(bad) == "");
  }
}

TEST_CASE("plain http to a public name is seen, to a neighbour it is fine") {
  for (const std::string_view url :
       {"http://crm.example.com", "amqp://u:p@broker.example.com", "http://8.8.8.8"}) {
    CAPTURE(url);
    CHECK(unprotected(url));
  }
  for (const std::string_view url :
       {"https://crm.example.com", "http://espocrm", "http://localhost:8080", "http://127.0.0.1",
        "http://10.1.2.3", "http://172.20.0.3", "http://crm.internal", "amqps://u:p@broker.example.com"}) {
    CAPTURE(url);
    CHECK_FALSE(unprotected(url));
  }
}
