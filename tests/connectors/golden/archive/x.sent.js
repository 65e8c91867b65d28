window.YTD.tweets.part0 = [
  {
    "tweet" : {
      "edit_info" : {
        "initial" : {
          "editTweetIds" : [
            "1594080000000000001"
          ],
          "editableUntil" : "2022-11-19T21:42:51.000Z",
          "editsRemaining" : "5",
          "isEditEligible" : true
        }
      },
      "retweeted" : false,
      "source" : "<a href=\"https://mobile.twitter.com\" rel=\"nofollow\">Twitter Web App</a>",
      "entities" : {
        "hashtags" : [
          {
            "text" : "Alderbrook",
            "indices" : [
              "0",
              "11"
            ]
          }
        ],
        "symbols" : [ ],
        "user_mentions" : [ ],
        "urls" : [
          {
            "url" : "https://t.co/aBcDeFgHiJ",
            "expanded_url" : "https://www.alderbrook.example/fair?day=1&hall=2",
            "display_url" : "alderbrook.example/fair",
            "indices" : [
              "40",
              "63"
            ]
          }
        ],
        "media" : [
          {
            "expanded_url" : "https://twitter.com/alderbrook/status/1594080000000000001/photo/1",
            "indices" : [
              "64",
              "87"
            ],
            "url" : "https://t.co/pIcTuRe001",
            "media_url" : "http://pbs.twimg.com/media/invented.jpg",
            "id_str" : "1594079999999999999",
            "media_url_https" : "https://pbs.twimg.com/media/invented.jpg",
            "type" : "photo",
            "display_url" : "pic.twitter.com/pIcTuRe001"
          }
        ]
      },
      "display_text_range" : [
        "0",
        "87"
      ],
      "favorite_count" : "3",
      "id_str" : "1594080000000000001",
      "truncated" : false,
      "retweet_count" : "1",
      "id" : "1594080000000000001",
      "possibly_sensitive" : false,
      "created_at" : "Sat Nov 19 21:12:51 +0000 2022",
      "favorited" : false,
      "full_text" : "#Alderbrook winter fair: cake &amp; carols. https://t.co/aBcDeFgHiJ https://t.co/pIcTuRe001",
      "lang" : "en",
      "extended_entities" : {
        "media" : [
          {
            "expanded_url" : "https://twitter.com/alderbrook/status/1594080000000000001/photo/1",
            "url" : "https://t.co/pIcTuRe001",
            "media_url" : "http://pbs.twimg.com/media/invented.jpg",
            "id_str" : "1594079999999999999",
            "media_url_https" : "https://pbs.twimg.com/media/invented.jpg",
            "type" : "photo"
          }
        ]
      }
    }
  },
  {
    "tweet" : {
      "edit_info" : {
        "edit" : {
          "initialTweetId" : "1594090000000000001",
          "editControlInitial" : {
            "editTweetIds" : [
              "1594090000000000001",
              "1594090000000000002"
            ]
          }
        }
      },
      "retweeted" : false,
      "entities" : {
        "hashtags" : [ ],
        "user_mentions" : [
          {
            "name" : "Invented Parent",
            "screen_name" : "invented_parent",
            "indices" : [
              "0",
              "16"
            ],
            "id_str" : "77",
            "id" : "77"
          }
        ],
        "urls" : [ ]
      },
      "in_reply_to_status_id_str" : "1594085000000000000",
      "in_reply_to_user_id" : "77",
      "id_str" : "1594090000000000002",
      "in_reply_to_user_id_str" : "77",
      "id" : "1594090000000000002",
      "in_reply_to_status_id" : "1594085000000000000",
      "created_at" : "Sat Nov 19 22:20:00 +0000 2022",
      "full_text" : "@invented_parent The hall opens at 10 &lt; 11.",
      "lang" : "en",
      "in_reply_to_screen_name" : "invented_parent"
    }
  }
]
